"""An answer of the query service, passed on: a stream as it comes, anything else once it is whole."""

from contextlib import AsyncExitStack

from aiohttp import ClientResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.common.presence import ClientPresent

STREAM = "text/event-stream"
# Not its X-Release: the answer is rag-service's, and a rollout moves the requests to the two apart.
FROM_QUERY = ("age", "content-type", "cache-control", "retry-after", "x-from-cache", "x-service-degraded")


def streamed(upstream: ClientResponse) -> bool:
    """Whether the answer has to be passed on before its end is there."""
    return upstream.content_type == STREAM


async def whole(upstream: ClientResponse) -> Response:
    """The answer with its last byte: one that breaks off raises what its exchange does, and nobody gets half of it."""
    return Response(await upstream.read(), upstream.status, _passed(upstream))


class Relay(Response):
    """Sends an answer on, piece by piece; a client that hangs up ends the exchange behind it."""

    def __init__(self, upstream: ClientResponse, exchange: AsyncExitStack) -> None:
        super().__init__(status_code=upstream.status, headers=_passed(upstream))
        del self.headers["content-length"]
        self.upstream, self.exchange = upstream, exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.exchange, ClientPresent(receive):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in self.upstream.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _passed(upstream: ClientResponse) -> dict[str, str]:
    return {name: upstream.headers[name] for name in FROM_QUERY if name in upstream.headers}
