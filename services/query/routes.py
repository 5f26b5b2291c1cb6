"""The query service's HTTP interface."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.common.direct import DirectRoute
from services.common.errors import ErrorBody
from services.common.events import EventStream
from services.common.middleware.header import header
from services.common.presence import ClientPresent
from services.common.responses import JsonBytes
from services.query import stream
from services.query.answer import Event
from services.query.events import encoded
from services.query.fallback import Answered, Fallback, Seen
from services.query.live import Live
from services.query.models import Answer, QuestionBody, SearchAnswer, SearchQuery
from services.query.query_log import QueryLog
from services.query.replies import Reply

CONSUMER = b"x-consumer-username"  # set by the gateway, which drops it from what comes from outside
_RESPONSES: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody}, 409: {"model": ErrorBody}}


def rag_router(prefix: str, live: Live, fallback: Fallback, log: QueryLog, default_collection: str) -> APIRouter:
    """Search and question answering below `prefix`."""
    router = APIRouter(prefix=prefix, tags=["rag"], responses=_RESPONSES, route_class=DirectRoute)

    @router.get("/search", responses={200: {"model": SearchAnswer}})
    async def search(request: Request, asked: Annotated[SearchQuery, Query()]) -> Response:
        """The passages nearest to the query."""
        collection = asked.collection or default_collection
        key = live.search_key(asked, collection)
        with log.recording("search", collection, asked.q, _consumer(request)) as entry:
            seen = await fallback.look("search", key, collection)
            answered = seen.fresh or await computed(request, seen, partial(live.search, asked, collection))
            entry.answered(answered)
        return JsonBytes(answered.reply.body, answered.headers)

    @router.post("/query", responses={200: {"model": Answer, "content": {EventStream.media_type: {}}}})
    async def query(request: Request, asked: QuestionBody) -> Response:
        """The answer to a question, from the documents, with citations."""
        collection = asked.collection or default_collection
        key = live.question_key(asked, collection)
        consumer = _consumer(request)
        if asked.stream or EventStream.media_type in request.headers.get("accept", ""):
            events = streamed(asked, key, collection, consumer)
            async with ClientPresent(request.receive):
                headers = await anext(events)  # what fails before it is answered with its own status
            response = EventStream(encoded(events))
            response.headers.update(headers.data)
            return response
        with log.recording("question", collection, asked.question, consumer) as entry:
            seen = await fallback.look("question", key, collection)
            answered = seen.fresh or await computed(request, seen, partial(live.question, asked, collection))
            entry.answered(answered)
        return JsonBytes(answered.reply.body, answered.headers)

    async def computed(request: Request, seen: Seen, compute: Callable[[], Coroutine[Any, Any, Reply]]) -> Answered:
        async with ClientPresent(request.receive):
            return await fallback.answer(seen, compute)

    async def streamed(
        asked: QuestionBody, key: str, collection: str, consumer: str | None
    ) -> AsyncGenerator[Event, None]:
        with log.recording("question", collection, asked.question, consumer) as entry:
            seen = await fallback.look("question", key, collection)
            async with aclosing(stream.answered(seen, live.events(asked, collection), fallback, entry)) as events:
                async for event in events:
                    yield event

    return router


def _consumer(request: Request) -> str | None:
    given = header(request.scope, CONSUMER)
    return given.decode("latin-1") if given is not None else None
