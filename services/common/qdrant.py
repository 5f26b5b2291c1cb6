"""Qdrant over REST, with failover over its nodes inside one request."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from services.common.errors import ConflictError, InvalidRequestError, NotFoundError, UnavailableError
from services.common.http import Http, timeout
from services.common.nodes import Nodes

READ_TIMEOUT_S = 1.5  # of one attempt; a search takes milliseconds
WRITE_TIMEOUT_S = 5.0  # the first write after a replica died takes 0.6 s
CREATE_TIMEOUT_S = 15.0  # with one node of three down, creating a collection takes 10 s
REPLICATION = {"shard_number": 1, "replication_factor": 3, "write_consistency_factor": 2}
INDEXED = ("path", "document_id")

Filter = dict[str, Any]


class QdrantUnavailableError(UnavailableError):
    """No vector node gave a usable answer."""


_REFUSALS = {404: NotFoundError, 409: ConflictError}


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

    def __init__(self, http: Http, urls: Sequence[str]) -> None:
        self._http = http
        self._readers = Nodes(urls, rotate=True)
        self._writers = Nodes(urls, rotate=False)

    async def ping(self) -> None:
        """Raise unless some node is ready."""
        await self._read("GET", "/readyz")

    async def list_collections(self) -> list[str]:
        found = await self._read("GET", "/collections")
        return [collection["name"] for collection in found["collections"]]

    async def collection_info(self, name: str) -> dict[str, Any]:
        info: dict[str, Any] = await self._read("GET", _path(name))
        return info

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
        found = await self._read("POST", _path(name, "/points/query"), wanted)
        return [Hit(point["id"], point["score"], point.get("payload") or {}) for point in found["points"]]

    async def count(self, name: str, where: Filter | None = None) -> int:
        """The exact number of points (matching the filter)."""
        wanted = {"exact": True} | ({"filter": where} if where else {})
        found = await self._read("POST", _path(name, "/points/count"), wanted)
        return int(found["count"])

    async def scroll(
        self, name: str, where: Filter | None = None, *, page: int = 256, payload: bool | Sequence[str] = True
    ) -> AsyncIterator[tuple[str | int, Mapping[str, Any]]]:
        """Each point's id and payload (all of it, none, or the named fields), read page by page."""
        wanted: dict[str, Any] = {"limit": page, "with_payload": payload, "with_vector": False}
        if where:
            wanted["filter"] = where
        while True:
            found = await self._read("POST", _path(name, "/points/scroll"), wanted)
            for point in found["points"]:
                yield point["id"], point.get("payload") or {}
            if found["next_page_offset"] is None:
                return
            wanted["offset"] = found["next_page_offset"]

    async def _read(self, method: str, path: str, body: Any = None) -> Any:
        return await self._call(self._readers, method, path, body, READ_TIMEOUT_S)

    async def _write(self, method: str, path: str, body: Any = None, *, timeout_s: float | None = None) -> Any:
        return await self._call(self._writers, method, path, body, timeout_s or WRITE_TIMEOUT_S)

    async def _call(self, nodes: Nodes, method: str, path: str, body: Any, timeout_s: float) -> Any:
        """The one way to Qdrant: each node once, until one gives a usable answer."""
        failures = []
        for url in nodes.candidates():
            try:
                status, answer = await self._exchange(method, url + path, body, timeout_s)
            except (aiohttp.ClientError, TimeoutError) as error:
                failures.append(f"{url}: {type(error).__name__}")
                nodes.failed(url)
                continue
            if status < 500:
                nodes.answered(url)
                return _result(status, answer)
            failures.append(f"{url}: {status}")
            nodes.failed(url)
        raise QdrantUnavailableError(f"no vector node answered: {', '.join(failures)}")

    async def _exchange(self, method: str, url: str, body: Any, timeout_s: float) -> tuple[int, bytes]:
        async with self._http.session.request(method, url, json=body, timeout=timeout(timeout_s)) as response:
            return response.status, await response.read()


def _path(collection: str, rest: str = "") -> str:
    return f"/collections/{quote(collection, safe='')}{rest}"


def _result(status: int, answer: bytes) -> Any:
    if status < 400:
        return orjson.loads(answer)["result"] if answer.startswith(b"{") else None
    try:
        said = str(orjson.loads(answer)["status"]["error"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        said = answer[:200].decode(errors="replace")
    raise _REFUSALS.get(status, InvalidRequestError)(said)
