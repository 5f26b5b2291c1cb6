"""The API of a collection's points."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from infra.embedded.qdrant.answers import Handler, read_json
from infra.embedded.qdrant.document import Collection
from infra.embedded.qdrant.errors import malformed, not_found
from infra.embedded.qdrant.fields import array, known, point_id, required
from infra.embedded.qdrant.forwarding import not_enough_active
from infra.embedded.qdrant.node import Node
from infra.embedded.qdrant.options import check_options, needed_replicas, timeout_s, wants_completion
from infra.embedded.qdrant.reads import (
    read_count,
    read_facet,
    read_query,
    read_retrieval,
    read_scroll,
    read_search,
    shown_points,
)
from infra.embedded.qdrant.replicas import NotMemberError
from infra.embedded.qdrant.shard import Shard
from infra.embedded.qdrant.writes import read_write

Read = Callable[[Shard, int, Any], Any]
"""From a shard, the size of its vectors and the JSON of a request to the answer's result."""


def point_routes(node: Node) -> list[tuple[str, str, Handler]]:
    """Method, path and handler of each request about points."""
    reads = [("POST", path, _reading(node, read)) for path, read in _READS.items()]
    writes = [(method, path, _writing(node, kind)) for (method, path), kind in _WRITES.items()]
    return [*reads, *writes, ("GET", "/points/{id}", _reading(node, _one))]


def _reading(node: Node, read: Read) -> Handler:
    async def handle(request: web.Request) -> Any:
        check_options(request.query, "consistency", "timeout")
        timeout_s(request.query)  # a local read is done within any
        collection = node.collection(request.match_info["name"])
        if len(collection.active) < needed_replicas(request.query, len(collection.replicas)):
            raise not_enough_active(node)
        body = await read_json(request) if request.method == "POST" else request.match_info["id"]
        return read(_shard(node, collection), collection.params.size, body)

    return handle


def _shard(node: Node, collection: Collection) -> Shard:
    replica = node.replicas.get(collection.uid)
    if replica.state != "Active":
        raise NotMemberError
    return replica.shard


def _query(shard: Shard, size: int, body: Any) -> Any:
    return {"points": shown_points(shard.query(read_query(body, size, shard.vector_of)))}


def _queries(shard: Shard, size: int, body: Any) -> Any:
    searches = array(required(known(body, "searches"), "searches"), "searches")
    return [_query(shard, size, one) for one in searches]


def _search(shard: Shard, size: int, body: Any) -> Any:
    return shown_points(shard.query(read_search(body, size)))


def _scroll(shard: Shard, _size: int, body: Any) -> Any:
    points, following = shard.scroll(read_scroll(body))
    return {"points": shown_points(points), "next_page_offset": following}


def _count(shard: Shard, _size: int, body: Any) -> Any:
    return {"count": shard.count(read_count(body))}


def _facet(shard: Shard, _size: int, body: Any) -> Any:
    return {"hits": shard.facet(read_facet(body))}


def _retrieve(shard: Shard, _size: int, body: Any) -> Any:
    ids, with_payload, with_vector = read_retrieval(body)
    return shown_points(shard.retrieve(ids, with_payload, with_vector))


def _one(shard: Shard, _size: int, said: str) -> Any:
    one = point_id(int(said) if said.isdecimal() else said)
    found = shown_points(shard.retrieve([one], with_payload=True, with_vector=True))
    if not found:
        raise not_found(f"Point with id {one} does not exists!")
    return found[0]


_READS: dict[str, Read] = {
    "/points": _retrieve,
    "/points/query": _query,
    "/points/query/batch": _queries,
    "/points/search": _search,
    "/points/scroll": _scroll,
    "/points/count": _count,
    "/facet": _facet,
}


def _writing(node: Node, kind: str) -> Handler:
    async def handle(request: web.Request) -> Any:
        check_options(request.query, "wait", "ordering", "timeout")
        completed = wants_completion(request.query)
        collection = node.collection(request.match_info["name"])
        said = await read_json(request)
        write = read_write(kind, said, collection.params.size)
        if write.where and write.ids:
            raise malformed("expected either `points` or `filter`")
        shard = _shard(node, collection)
        if write.alters and (missing := set(write.ids) - set(shard.existing(write.ids))):
            raise not_found(f"No point with id {next(iter(missing))} found")
        operation = await node.replication.coordinate(collection.uid, write, said, await request.read())
        return {"operation_id": operation, "status": "completed" if completed else "acknowledged"}

    return handle


_WRITES = {
    ("PUT", "/points"): "upsert",
    ("POST", "/points/delete"): "delete",
    ("POST", "/points/payload"): "set",
    ("PUT", "/points/payload"): "overwrite",
    ("POST", "/points/payload/delete"): "delete_keys",
    ("POST", "/points/payload/clear"): "clear",
}
