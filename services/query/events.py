"""An answer's events, encoded for the client."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from services.common.errors import ServiceError, error_body
from services.common.events import encode
from services.query.answer import Event


async def encoded(events: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    """The events on the wire, after an answer's headers.

    An error cannot change the status any more: it comes as an `error` event.
    """
    async with aclosing(events):
        try:
            async for event in events:
                yield encode(event.name, event.data)
        except ServiceError as error:
            yield encode("error", error_body(error.status, error.detail))
