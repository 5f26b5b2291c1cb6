"""One vector node, asked what it holds itself: no other node answers for it, as behind `services.common.qdrant`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from services.common.attempts import attempt
from services.common.errors import NotFoundError, UnavailableError
from services.common.http import Http, failing_as, timeout

EXCHANGE_S = 2.0  # a page of points takes some milliseconds; a node that takes longer is not compared
ACTIVE = "Active"
ABSENT = "Absent"
"""The state of a node that has no replica of the collection, or not of all its shards."""

Id = str | int
T = TypeVar("T")


class NodeUnavailableError(UnavailableError):
    """The node does not say what it holds."""


@dataclass(frozen=True)
class Held:
    """A point as one node holds it: its vector and payload as the node answers them."""

    id: Id
    vector: Any
    payload: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Points in the order of their ids; `following` is the id of the next one, None at the end."""

    points: Sequence[Held]
    following: Id | None


@dataclass(frozen=True)
class Node:
    """A node; every method raises NotFoundError where it knows no such collection, else NodeUnavailableError.

    A node whose replica is not Active has another node answer and does not say so: what `page` and `points` tell
    is its own only while `state` is Active.
    """

    name: str
    url: str
    http: Http

    async def state(self, collection: str) -> str:
        """The state of its replica, as it knows it itself: Active, Partial, Dead …, or Absent."""
        return await self._ask("GET", collection, "/cluster", None, _state)

    async def page(self, collection: str, start: Id | None, limit: int) -> Page:
        """The first points from the id `start` on."""
        wanted = {"limit": limit, "with_payload": True, "with_vector": True} | (
            {} if start is None else {"offset": start}
        )
        return await self._ask("POST", collection, "/points/scroll", wanted, _page)

    async def points(self, collection: str, ids: Sequence[Id]) -> list[Held]:
        """Those of the points that it has."""
        wanted = {"ids": list(ids), "with_payload": True, "with_vector": True}
        return await self._ask("POST", collection, "/points", wanted, _points)

    async def _ask(self, method: str, collection: str, path: str, body: Any, take: Callable[[Any], T]) -> T:
        url = f"{self.url}/collections/{quote(collection, safe='')}{path}"
        with failing_as(NodeUnavailableError, self.name), attempt(self.name):
            async with self.http.request(method, url, json=body, timeout=timeout(EXCHANGE_S)) as response:
                answer = await response.read()
            if response.status == 404:
                raise NotFoundError(f"{self.name} knows no collection {collection!r}")
            if response.status != 200:
                raise NodeUnavailableError(f"{self.name} answers with status {response.status}")
            return take(orjson.loads(answer)["result"])


def nodes_at(urls: Sequence[str], http: Http) -> list[Node]:
    """The nodes at these addresses, called as everywhere by their place in the list: `qdrant-0` and so on."""
    return [Node(f"qdrant-{place}", url, http) for place, url in enumerate(urls)]


def _state(said: Any) -> str:
    states = [str(shard["state"]) for shard in said["local_shards"]]
    if len(states) < said["shard_count"]:
        return ABSENT
    return next((state for state in states if state != ACTIVE), ACTIVE)


def _page(found: Any) -> Page:
    return Page(_points(found["points"]), found["next_page_offset"])


def _points(found: Any) -> list[Held]:
    if not isinstance(found, list):
        raise TypeError("no list of points")  # an empty object must not look like an empty replica
    return [_held(point) for point in found]


def _held(point: Any) -> Held:
    return Held(point["id"], point["vector"], point.get("payload") or {})
