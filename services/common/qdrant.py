"""Qdrant over REST, with failover over its nodes inside one request."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from services.common import deadline
from services.common.attempts import attempt
from services.common.bulkhead import Limit
from services.common.deadline import DeadlineExceededError
from services.common.errors import ConflictError, InvalidRequestError, NotFoundError, UnavailableError
from services.common.http import Http
from services.common.nodes import Nodes
from services.common.protection import Protection

READ_TIMEOUT_S = 0.8  # of one attempt: a search takes milliseconds, and three attempts must fit into 3 s
WRITE_TIMEOUT_S = 5.0  # the first write after a replica died takes 0.6 s
CREATE_TIMEOUT_S = 15.0  # with one node of three down, creating a collection takes 10 s
REPLICATION = {"shard_number": 1, "replication_factor": 3, "write_consistency_factor": 2}
INDEXED = ("path", "document_id")
SEARCH_LIMIT = Limit(concurrent=32, queue=128)  # a search takes milliseconds
WRITE_LIMIT = Limit(concurrent=8, queue=64)

Filter = dict[str, Any]
T = TypeVar("T")


class QdrantUnavailableError(UnavailableError):
    """No vector node gave a usable answer."""


_REFUSALS = {404: NotFoundError, 409: ConflictError}
_REFUSED = (NotFoundError, ConflictError, InvalidRequestError)
# What one node may do wrong, nonsense included; another one may do better.
_FAILURES = (OSError, QdrantUnavailableError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class Point:
    """A vector with its payload; the id is a UUID or an unsigned integer."""

    id: str | int
    vector: Sequence[float]
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Hit:
    """A point that a query found and its score."""

    id: str | int
    score: float
    payload: Mapping[str, Any]


def matching(**fields: str | int | Sequence[str]) -> Filter:
    """The filter for payloads whose fields have these values (a list: one of them)."""
    return {"must": [{"key": key, "match": _match(value)} for key, value in fields.items()]}


def _match(value: str | int | Sequence[str]) -> dict[str, Any]:
    return {"value": value} if isinstance(value, str | int) else {"any": list(value)}


class Qdrant:
    """The stack's vector store.

    Reads go round the nodes, writes to the first; both move on to the next node when one refuses, hangs or answers 5xx.
    Repeating a write is safe because point ids are deterministic.
    Raises NotFoundError, ConflictError or InvalidRequestError where Qdrant refuses, and QdrantUnavailableError where
    no node answers.
    """

    def __init__(self, http: Http, urls: Sequence[str], *, search: Protection, write: Protection) -> None:
        self._http = http
        self._names = {url: f"qdrant-{number}" for number, url in enumerate(urls)}
        self._readers, self._search = Nodes(urls, rotate=True), search
        self._writers, self._writing = Nodes(urls, rotate=False), write

    async def ping(self) -> None:
        """Raise unless some node is ready."""
        await self._at_any(self._readers, "GET", "/readyz", None, READ_TIMEOUT_S, parse=lambda _status, _answer: None)

    async def list_collections(self) -> list[str]:
        """The documents' collections; a name that begins with an underscore is of the stack's own."""
        names = await self._read("GET", "/collections", take=lambda found: [c["name"] for c in found["collections"]])
        return [name for name in names if not name.startswith("_")]

    async def collection_info(self, name: str) -> dict[str, Any]:
        return await self._read("GET", _path(name), take=dict)

    async def ensure_collection(self, name: str, size: int) -> None:
        """Create the collection for vectors of `size` if it is missing: three replicas, two acknowledge a write."""
        settings = {"vectors": {"size": size, "distance": "Cosine"}, **REPLICATION}
        with suppress(ConflictError):  # it exists
            await self._write("PUT", _path(name), settings, timeout_s=CREATE_TIMEOUT_S)
        for field in INDEXED:
            await self._write("PUT", _path(name, "/index?wait=true"), {"field_name": field, "field_schema": "keyword"})

    async def delete_collection(self, name: str) -> None:
        """Remove the collection; a missing one is fine."""
        await self._write("DELETE", _path(name), timeout_s=CREATE_TIMEOUT_S)

    async def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write the points, acknowledged by two nodes; keep a batch below 5 MB."""
        rows = [{"id": p.id, "vector": p.vector, "payload": p.payload} for p in points]
        await self._write("PUT", _path(name, "/points?wait=true"), {"points": rows})

    async def delete_ids(self, name: str, ids: Sequence[str | int]) -> None:
        await self._write("POST", _path(name, "/points/delete?wait=true"), {"points": list(ids)})

    async def delete_matching(self, name: str, where: Filter) -> None:
        await self._write("POST", _path(name, "/points/delete?wait=true"), {"filter": where})

    async def query(
        self,
        name: str,
        vector: Sequence[float],
        *,
        limit: int,
        where: Filter | None = None,
        score_threshold: float | None = None,
    ) -> list[Hit]:
        """The points nearest to `vector`, best first."""
        wanted: dict[str, Any] = {"query": vector, "limit": limit, "with_payload": True}
        if where:
            wanted["filter"] = where
        if score_threshold is not None:
            wanted["score_threshold"] = score_threshold
        return await self._read("POST", _path(name, "/points/query"), wanted, take=_hits)

    async def count(self, name: str, where: Filter | None = None) -> int:
        """The exact number of points (matching the filter)."""
        wanted = {"exact": True} | ({"filter": where} if where else {})
        return await self._read("POST", _path(name, "/points/count"), wanted, take=lambda found: int(found["count"]))

    async def scroll(
        self, name: str, where: Filter | None = None, *, page: int = 256, payload: bool | Sequence[str] = True
    ) -> AsyncIterator[tuple[str | int, Mapping[str, Any]]]:
        """Each point's id and payload (all of it, none, or the named fields), read page by page."""
        wanted: dict[str, Any] = {"limit": page, "with_payload": payload, "with_vector": False}
        if where:
            wanted["filter"] = where
        while True:
            points, following = await self._read("POST", _path(name, "/points/scroll"), wanted, take=_page)
            for point in points:
                yield point
            if following is None:
                return
            wanted["offset"] = following

    async def _read(self, method: str, path: str, body: Any = None, *, take: Callable[[Any], T]) -> T:
        """What `take` makes of the result; where it cannot, the node has answered nonsense, and the next is asked."""
        async with self._search.call(QdrantUnavailableError):
            return await self._at_any(
                self._readers, method, path, body, READ_TIMEOUT_S, parse=lambda *got: take(_result(*got))
            )

    async def _write(self, method: str, path: str, body: Any = None, *, timeout_s: float | None = None) -> None:
        async with self._writing.call(QdrantUnavailableError):
            await self._at_any(self._writers, method, path, body, timeout_s or WRITE_TIMEOUT_S, parse=_result)

    async def _at_any(
        self,
        nodes: Nodes,
        method: str,
        path: str,
        body: Any,
        timeout_s: float,
        *,
        parse: Callable[[int, bytes], T],
    ) -> T:
        """The one way to Qdrant: each node once, until one gives a usable answer or refuses for good reasons."""
        failures = []
        for url in nodes.candidates():
            try:
                with attempt(self._names[url]):
                    parsed = parse(*await self._exchange(method, url + path, body, timeout_s))
            except _REFUSED:
                nodes.answered(url)
                raise
            except _FAILURES as error:
                if isinstance(error, TimeoutError) and deadline.over():
                    raise DeadlineExceededError("Qdrant has not answered within the request's time") from error
                words = error if isinstance(error, QdrantUnavailableError) else type(error).__name__
                failures.append(f"{self._names[url]}: {words}")
                nodes.failed(url)
            else:
                nodes.answered(url)
                return parsed
        raise QdrantUnavailableError(f"no vector node answered: {', '.join(failures)}")

    async def _exchange(self, method: str, url: str, body: Any, timeout_s: float) -> tuple[int, bytes]:
        answer = await self._http.exchange(method, url, body, limit_s=timeout_s)
        if answer.status >= 500:
            raise QdrantUnavailableError(str(answer.status))
        return answer


def _path(collection: str, rest: str = "") -> str:
    return f"/collections/{quote(collection, safe='')}{rest}"


def _result(status: int, answer: bytes) -> Any:
    told = orjson.loads(answer)
    if status < 400:
        return told["result"]
    raise _REFUSALS.get(status, InvalidRequestError)(str(told["status"]["error"]))


def _hits(found: Any) -> list[Hit]:
    return [Hit(point["id"], point["score"], point.get("payload") or {}) for point in found["points"]]


def _page(found: Any) -> tuple[list[tuple[str | int, Mapping[str, Any]]], str | int | None]:
    return [(point["id"], point.get("payload") or {}) for point in found["points"]], found["next_page_offset"]
