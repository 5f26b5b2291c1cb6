"""The query service's HTTP interface."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.common.errors import ErrorBody
from services.common.events import EventStream
from services.common.presence import ClientPresent
from services.query import stream
from services.query.answer import Event
from services.query.events import encoded
from services.query.fallback import Answered, Fallback
from services.query.live import Live
from services.query.models import Answer, QuestionBody, SearchAnswer, SearchQuery
from services.query.query_log import QueryLog

CONSUMER = "X-Consumer-Username"  # set by the gateway, which drops it from what comes from outside
_RESPONSES: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody}, 409: {"model": ErrorBody}}


def rag_router(prefix: str, live: Live, fallback: Fallback, log: QueryLog, default_collection: str) -> APIRouter:
    """Search and question answering below `prefix`."""
    router = APIRouter(prefix=prefix, tags=["rag"], responses=_RESPONSES)

    @router.get("/search", responses={200: {"model": SearchAnswer}})
    async def search(request: Request, asked: Annotated[SearchQuery, Query()]) -> Response:
        """The passages nearest to the query."""
        collection = asked.collection or default_collection
        key = live.search_key(asked, collection)
        compute = partial(live.search, asked, collection)
        with log.recording("search", collection, asked.q, request.headers.get(CONSUMER)) as entry:
            async with ClientPresent(request.receive):
                answered = await fallback.answer("search", key, collection, compute)
            entry.answered(answered)
        return _json(answered)

    @router.post("/query", responses={200: {"model": Answer, "content": {EventStream.media_type: {}}}})
    async def query(request: Request, asked: QuestionBody) -> Response:
        """The answer to a question, from the documents, with citations."""
        collection = asked.collection or default_collection
        key = live.question_key(asked, collection)
        consumer = request.headers.get(CONSUMER)
        if asked.stream or EventStream.media_type in request.headers.get("accept", ""):
            events = streamed(asked, key, collection, consumer)
            async with ClientPresent(request.receive):
                headers = await anext(events)  # what fails before it is answered with its own status
            response = EventStream(encoded(events))
            response.headers.update(headers.data)
            return response
        with log.recording("question", collection, asked.question, consumer) as entry:
            async with ClientPresent(request.receive):
                answered = await fallback.answer("question", key, collection, partial(live.question, asked, collection))
            entry.answered(answered)
        return _json(answered)

    async def streamed(
        asked: QuestionBody, key: str, collection: str, consumer: str | None
    ) -> AsyncGenerator[Event, None]:
        with log.recording("question", collection, asked.question, consumer) as entry:
            seen = await fallback.look("question", key, collection)
            async with aclosing(stream.answered(seen, live.events(asked, collection), fallback, entry)) as events:
                async for event in events:
                    yield event

    return router


def _json(answered: Answered) -> Response:
    return Response(answered.reply.body, media_type="application/json", headers=dict(answered.headers))
