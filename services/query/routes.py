"""The query service's HTTP interface."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.common.errors import ErrorBody
from services.common.events import EventStream
from services.common.presence import ClientPresent
from services.common.responses import Json
from services.query.answer import Answerer, Event
from services.query.events import encoded
from services.query.models import Answer, QuestionBody, SearchAnswer, SearchQuery
from services.query.query_log import QueryLog
from services.query.search import Searcher, result

CONSUMER = "X-Consumer-Username"  # set by the gateway, which drops it from what comes from outside
_RESPONSES: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody}, 409: {"model": ErrorBody}}


def rag_router(
    prefix: str, searcher: Searcher, answerer: Answerer, log: QueryLog, default_collection: str
) -> APIRouter:
    """Search and question answering below `prefix`."""
    router = APIRouter(prefix=prefix, tags=["rag"], responses=_RESPONSES)

    @router.get("/search", responses={200: {"model": SearchAnswer}})
    async def search(request: Request, asked: Annotated[SearchQuery, Query()]) -> Response:
        """The passages nearest to the query."""
        started = perf_counter()
        collection = asked.collection or default_collection
        consumer = request.headers.get(CONSUMER)
        with log.recording("search", collection, asked.q, consumer) as entry:
            async with ClientPresent(request.receive):
                hits = await searcher.find(asked.q, collection, asked, asked.limit)
            entry.found(hits)
        answer = {"query": asked.q, "collection": collection, "results": [result(hit) for hit in hits]}
        return Json(answer | {"took_ms": _ms_since(started)})

    @router.post("/query", responses={200: {"model": Answer, "content": {EventStream.media_type: {}}}})
    async def query(request: Request, asked: QuestionBody) -> Response:
        """The answer to a question, from the documents, with citations."""
        events = answering(asked, request.headers.get(CONSUMER))
        if asked.stream or EventStream.media_type in request.headers.get("accept", ""):
            async with ClientPresent(request.receive):
                first = await anext(events)  # what fails before it is answered with its own status
            return EventStream(encoded(first, events))
        async with ClientPresent(request.receive), aclosing(events):
            async for event in events:
                last = event
        return Json(last.data)

    async def answering(asked: QuestionBody, consumer: str | None) -> AsyncGenerator[Event, None]:
        started = perf_counter()
        collection = asked.collection or default_collection
        with log.recording("question", collection, asked.question, consumer) as entry:
            hits = await searcher.find(asked.question, collection, asked, asked.limit)
            entry.found(hits)
            async with aclosing(answerer.answer(asked.question, hits)) as events:
                async for event in events:
                    if event.name == "done":
                        event.data["took_ms"] = _ms_since(started)
                    yield event

    return router


def _ms_since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 2)
