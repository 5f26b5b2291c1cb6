"""An answer's events, encoded for the client."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from services.common.errors import ServiceError, error_body
from services.common.events import encode
from services.query.answer import Event


async def encoded(first: Event, rest: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    """The events on the wire.

    An error after the first event cannot change the status any more: it comes as an `error` event.
    """
    async with aclosing(rest):
        yield encode(first.name, first.data)
        try:
            async for event in rest:
                yield encode(event.name, event.data)
        except ServiceError as error:
            yield encode("error", error_body(error.status, error.detail))
