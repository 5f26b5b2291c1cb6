"""A Qdrant node over REST, real or embedded, as a command calls it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

TIMEOUT_S = 15.0  # with a node down, Qdrant may take 10 s to agree on something
PAGE = 1000  # points


class NodeError(RuntimeError):
    """A node does not do as asked; the message names it and has its words."""


class SilentError(NodeError):
    """A node does not answer."""


@dataclass(frozen=True)
class Node:
    """One node by its name and its URL."""

    name: str
    url: str

    def ask(self, method: str, path: str, body: object = None, *, timeout_s: float = TIMEOUT_S) -> Any:
        """The answer's result; raises SilentError, or NodeError with the answer's status and error."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            raise NodeError(f"{self.name}: {method} {path}: {error.code}: {_said(error.read())}") from None
        except (ValueError, KeyError, TypeError):
            raise NodeError(f"{self.name}: {method} {path}: not an answer of Qdrant's") from None
        except OSError as error:
            reason = getattr(error, "reason", error)  # urllib's wrapper says little
            raise SilentError(f"{self.name} does not answer at {self.url}: {reason}") from None

    def pages(self, collection: str) -> Iterator[list[dict[str, Any]]]:
        """All points of the node's replica with their payloads, page by page."""
        asked: dict[str, Any] = {"limit": PAGE, "with_payload": True, "with_vector": False}
        while True:
            found = self.ask("POST", path_of(collection, "/points/scroll"), asked)
            yield found["points"]
            if found["next_page_offset"] is None:
                return
            asked["offset"] = found["next_page_offset"]

    def points(self, collection: str, ids: list[int | str]) -> list[dict[str, Any]]:
        """Those of the points that the node's replica has, with their payloads."""
        asked = {"ids": ids, "with_payload": True, "with_vector": False}
        found: list[dict[str, Any]] = self.ask("POST", path_of(collection, "/points"), asked)
        return found


def path_of(collection: str, rest: str = "") -> str:
    """The path of what belongs to a collection."""
    return f"/collections/{quote(collection, safe='')}{rest}"


def _said(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["status"]["error"])
    except (ValueError, KeyError, TypeError):
        return answer[:200].decode(errors="replace")
