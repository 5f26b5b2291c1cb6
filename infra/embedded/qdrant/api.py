"""Qdrant's REST API, or the part of it that the node serves."""

from typing import NoReturn

from aiohttp import web

from infra.embedded.qdrant.answers import MAX_BODY, answering
from infra.embedded.qdrant.collections import collection_routes
from infra.embedded.qdrant.errors import QdrantError
from infra.embedded.qdrant.forwarding import or_elsewhere
from infra.embedded.qdrant.node import Node
from infra.embedded.qdrant.placement import placement_routes
from infra.embedded.qdrant.points import point_routes
from infra.embedded.qdrant.service import service_routes


def api(node: Node) -> web.Application:
    """The application that answers for the node."""
    app = web.Application(client_max_size=MAX_BODY)
    about_points = [(method, f"/collections/{{name}}{path}", handler) for method, path, handler in point_routes(node)]
    for method, path, handler in [
        *service_routes(node),
        *collection_routes(node),
        *placement_routes(node),
        *about_points,
    ]:
        app.router.add_route(method, path, answering(or_elsewhere(node, handler)))
    app.router.add_route("*", "/{path:.*}", answering(_not_here))
    return app


async def _not_here(request: web.Request) -> NoReturn:
    raise QdrantError(404, f"Not found: the embedded node has no {request.method} {request.path}")
