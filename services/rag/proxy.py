"""An answer of the query service, passed on as it comes."""

from contextlib import AsyncExitStack

from aiohttp import ClientResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.common.presence import ClientPresent

FROM_QUERY = ("age", "content-type", "cache-control", "retry-after", "x-from-cache", "x-service-degraded")


class Relay(Response):
    """Sends an answer on, piece by piece; a client that hangs up ends the exchange behind it."""

    def __init__(self, upstream: ClientResponse, exchange: AsyncExitStack) -> None:
        passed = {name: upstream.headers[name] for name in FROM_QUERY if name in upstream.headers}
        super().__init__(status_code=upstream.status, headers=passed)
        del self.headers["content-length"]
        self.upstream, self.exchange = upstream, exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.exchange, ClientPresent(receive):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in self.upstream.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
