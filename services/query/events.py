"""An answer as server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.common.errors import ServiceError, error_body
from services.common.presence import ClientPresent
from services.query.answer import Event

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def encode(event: Event) -> bytes:
    """The event as it goes over the wire."""
    return b"event: " + event.name.encode() + b"\ndata: " + orjson.dumps(event.data) + b"\n\n"


class EventStream(Response):
    """Sends the events as they come; a client that hangs up ends the work behind them.

    An error after the first event cannot change the status any more: it comes as an `error` event.
    """

    media_type = "text/event-stream"

    def __init__(self, first: Event, rest: AsyncGenerator[Event, None]) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self.first = first
        self.rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with ClientPresent(receive), aclosing(self.rest):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._send(send, self.first)
            try:
                async for event in self.rest:
                    await self._send(send, event)
            except ServiceError as error:
                await self._send(send, Event("error", error_body(error.status, error.detail)))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, event: Event) -> None:
        await send({"type": "http.response.body", "body": encode(event), "more_body": True})
