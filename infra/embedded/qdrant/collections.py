"""The API of collections: which there are, their parameters and indexes."""

from secrets import token_hex
from typing import Any

from aiohttp import web
from qdrant_edge import UpdateOperation

from infra.embedded.qdrant.answers import Handler, read_json
from infra.embedded.qdrant.document import with_collection, with_index, with_params, without_collection
from infra.embedded.qdrant.errors import QdrantError, malformed
from infra.embedded.qdrant.fields import known, required, text
from infra.embedded.qdrant.indexes import read_schema, shown_index
from infra.embedded.qdrant.node import Node
from infra.embedded.qdrant.options import check_options, timeout_s, wants_completion
from infra.embedded.qdrant.params import FIXED, changed_params, read_params

_FORBIDDEN = set('<>:"/\\|?*\0\x1f')
_LONGEST_NAME = 255


class Collections:
    """The handlers."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def all(self, _request: web.Request) -> Any:
        return {"collections": [{"name": name} for name in sorted(self._node.cluster.document.collections)]}

    async def exists(self, request: web.Request) -> Any:
        return {"exists": request.match_info["name"] in self._node.cluster.document.collections}

    async def info(self, request: web.Request) -> Any:
        """What the local replica is like."""
        collection = self._node.collection(request.match_info["name"])
        replica = self._node.replicas.get(collection.uid)
        shard = replica.shard
        points = shard.indexed_points()
        return {
            **replica.optimization.shown(),
            "indexed_vectors_count": shard.indexed_vectors_count(),
            "points_count": shard.points_count(),
            "segments_count": shard.segments_count(),
            "config": {"params": collection.params.shown(), **FIXED},
            "payload_schema": {
                name: shown_index(schema, points.get(name, 0)) for name, schema in collection.indexes.items()
            },
            "update_queue": {"length": 0},
        }

    async def create(self, request: web.Request) -> Any:
        check_options(request.query, "timeout")
        name = _new_name(request.match_info["name"])
        params = read_params(await read_json(request))
        await self._node.agree(with_collection(name, token_hex(8), params), timeout_s(request.query))
        return True

    async def update(self, request: web.Request) -> Any:
        check_options(request.query, "timeout")
        said = await read_json(request)
        change = with_params(request.match_info["name"], lambda params: changed_params(params, said))
        await self._node.agree(change, timeout_s(request.query))
        return True

    async def delete(self, request: web.Request) -> Any:
        """False for one that there isn't."""
        check_options(request.query, "timeout")
        found = self._node.cluster.document.collections.get(request.match_info["name"])
        if not found:
            return False
        await self._node.agree(without_collection(found.uid), timeout_s(request.query))
        return True

    async def create_index(self, request: web.Request) -> Any:
        given = known(await read_json(request), "field_name", "field_schema")
        field, schema = text(required(given, "field_name"), "field_name"), required(given, "field_schema")
        try:
            UpdateOperation.create_field_index(field, read_schema(schema))
        except ValueError as error:
            raise malformed(f"field_name: {error}") from None
        return await self._index(request, field, schema)

    async def delete_index(self, request: web.Request) -> Any:
        return await self._index(request, request.match_info["field"], None)

    async def _index(self, request: web.Request, field: str, schema: Any) -> Any:
        check_options(request.query, "wait", "ordering", "timeout")
        completed = wants_completion(request.query)
        name = request.match_info["name"]
        await self._node.agree(with_index(name, field, schema), timeout_s(request.query))
        operation = self._node.replication.next_operation()
        return {"operation_id": operation, "status": "completed" if completed else "acknowledged"}


def collection_routes(node: Node) -> list[tuple[str, str, Handler]]:
    """Method, path and handler of each request about collections."""
    collections = Collections(node)
    return [
        ("GET", "/collections", collections.all),
        ("GET", "/collections/{name}", collections.info),
        ("PUT", "/collections/{name}", collections.create),
        ("PATCH", "/collections/{name}", collections.update),
        ("DELETE", "/collections/{name}", collections.delete),
        ("GET", "/collections/{name}/exists", collections.exists),
        ("PUT", "/collections/{name}/index", collections.create_index),
        ("DELETE", "/collections/{name}/index/{field}", collections.delete_index),
    ]


def _new_name(name: str) -> str:
    if not name or len(name) > _LONGEST_NAME or _FORBIDDEN & set(name):
        raise QdrantError(422, f"Validation error in path parameters: [name: value invalid: {name!r:.80}]")
    return name
