"""The reply to a question as events, live or from the cache."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from services.common.errors import UnavailableError
from services.common.tasks import end
from services.query import replies
from services.query.answer import Event
from services.query.fallback import Answered, Fallback, Seen
from services.query.query_log import Entry

HOLD_S = 0.1
"""So long the sources wait for the first piece of text: if none comes because the model is away, a kept reply or a 503
says so better than a stream that breaks off."""

Events = AsyncGenerator[Event, None]


async def answered(seen: Seen, live: Events, fallback: Fallback, entry: Entry) -> Events:
    """The event `headers` with what tells the client where the reply is from, then the reply's events.

    Raises what `live` raises; before `headers` only if it is no UnavailableError or no reply has been kept.
    """
    async with aclosing(live), aclosing(_held(live)) as events:
        kept = seen.fresh
        if not kept:
            try:
                sources = await anext(events)
            except UnavailableError:
                kept = fallback.stale(seen)
                if not kept:
                    raise
        if kept:
            entry.answered(kept)
            yield _headers(kept)
            for event in replies.replayed(kept.reply):
                yield event
            return
        known = {sources.name: sources.data}
        begun = Answered(replies.of_events(known))
        entry.answered(begun)
        yield _headers(begun)
        yield sources
        async for event in events:
            known[event.name] = event.data
            yield event
        fallback.keep(seen, replies.of_events(known))


def _headers(answer: Answered) -> Event:
    return Event("headers", dict(answer.headers))


async def _held(live: Events) -> Events:
    """The same events; the first once the second is there too, or takes longer than HOLD_S."""
    first = await anext(live)
    second = asyncio.ensure_future(anext(live))
    try:
        if (await asyncio.wait({second}, timeout=HOLD_S))[0]:
            second.result()  # raises while nothing has been sent
        yield first
        yield await second
    finally:
        await end(second)
    async for event in live:
        yield event
