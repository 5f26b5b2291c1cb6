"""Computes the replies, and tells what they depend on."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter

from services.query import cache, replies
from services.query.answer import NOTHING_FOUND, Answerer, Event, prompt
from services.query.models import Filters, QuestionBody, SearchQuery
from services.query.replies import Reply
from services.query.search import Searcher, result

_FILTERS = sorted(set(Filters.model_fields) - {"collection"})


@dataclass(frozen=True)
class Live:
    """Answers searches and questions from the documents."""

    searcher: Searcher
    answerer: Answerer

    def search_key(self, asked: SearchQuery, collection: str) -> str:
        """Under which the reply is kept: two searches with the same key have the same reply."""
        return cache.key("search", asked.q, *self._looked_up(asked, collection, asked.limit))

    async def search(self, asked: SearchQuery, collection: str) -> Reply:
        """The reply to a search; raises NotFoundError, ConflictError, UnavailableError."""
        started = perf_counter()
        hits = await self.searcher.find(asked.q, collection, asked, asked.limit)
        answer = {"query": asked.q, "collection": collection, "results": [result(hit) for hit in hits]}
        return replies.of_search(answer | {"took_ms": _ms_since(started)})

    def question_key(self, asked: QuestionBody, collection: str) -> str:
        """Under which the reply is kept, however it is sent."""
        told = (self.answerer.ollama.generation_model, prompt("", ()), NOTHING_FOUND)
        return cache.key("question", asked.question, *self._looked_up(asked, collection, asked.limit), *told)

    async def question(self, asked: QuestionBody, collection: str) -> Reply:
        """The reply to a question; raises as `search` does."""
        seen = {}
        async with aclosing(self.events(asked, collection)) as events:
            async for event in events:
                seen[event.name] = event.data
        return replies.of_events(seen)

    async def events(self, asked: QuestionBody, collection: str) -> AsyncGenerator[Event, None]:
        """The reply to a question, as it comes."""
        started = perf_counter()
        hits = await self.searcher.find(asked.question, collection, asked, asked.limit)
        async with aclosing(self.answerer.answer(asked.question, hits)) as events:
            async for event in events:
                if event.name == "done":
                    event.data["took_ms"] = _ms_since(started)
                yield event

    def _looked_up(self, asked: Filters, collection: str, limit: int) -> tuple[object, ...]:
        filters = {name: getattr(asked, name) for name in _FILTERS}
        return collection, self.searcher.ollama.embedding_model, filters, limit


def _ms_since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 2)
