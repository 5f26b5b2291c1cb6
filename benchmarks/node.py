"""A vector node asked directly, for what is set up before anything is measured."""

from typing import Any
from urllib.request import Request, urlopen

import orjson

TIMEOUT_S = 60


def ask(method: str, url: str, body: object = None) -> Any:
    """The result that a node answers with; raises OSError where it gives none."""
    data = None if body is None else orjson.dumps(body)
    with urlopen(Request(url, data, {"Content-Type": "application/json"}, method=method), timeout=TIMEOUT_S) as answer:
        return orjson.loads(answer.read())["result"]


def sample_points(url: str) -> list[dict[str, Any]]:
    """The sample documents' chunks as the node at `url` has them, with payload and vector."""
    wanted = {"limit": 1000, "with_vector": True, "with_payload": True}
    found: list[dict[str, Any]] = ask("POST", f"{url}/collections/docs/points/scroll", wanted)["points"]
    return found
