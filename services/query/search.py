"""Finds the passages nearest to a question."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from services.common.errors import ConflictError, InvalidRequestError, NotFoundError
from services.common.ollama import EMBED_ONE_TIMEOUT_S, Ollama
from services.common.qdrant import Filter, Hit, Qdrant, matching
from services.query.models import Filters
from services.query.questions import Questions

# Qdrant finds the prefix anywhere in the path: ask for more, keep those that begin with it, and if need be ask again.
PREFIX_SURPLUS = 4
MOST = 2000  # passages asked for


@dataclass(frozen=True)
class Searcher:
    """Embeds questions and asks the vector store."""

    ollama: Ollama
    qdrant: Qdrant

    @cached_property
    def _questions(self) -> Questions:
        return Questions(partial(self.ollama.embed, limit_s=EMBED_ONE_TIMEOUT_S))

    async def find(self, question: str, collection: str, filters: Filters, limit: int) -> list[Hit]:
        """At most `limit` passages, best first; raises NotFoundError for an unknown collection."""
        vector = await self._questions.vector(question)
        prefix = filters.path_prefix or ""
        asked = limit * PREFIX_SURPLUS if prefix else limit
        while True:
            hits = await self._nearest(vector, collection, filters, asked)
            kept = [hit for hit in hits if hit.payload["path"].startswith(prefix)]
            if len(kept) >= limit or len(hits) < asked or asked == MOST:
                return kept[:limit]
            asked = min(asked * PREFIX_SURPLUS, MOST)

    async def _nearest(self, vector: Sequence[float], collection: str, filters: Filters, limit: int) -> list[Hit]:
        try:
            return await self.qdrant.query(
                collection, vector, limit=limit, where=_where(filters), score_threshold=filters.score_threshold
            )
        except NotFoundError:
            raise NotFoundError(f"collection {collection!r} does not exist") from None
        except InvalidRequestError as error:
            raise ConflictError(f"collection {collection!r} was embedded with another model: {error.detail}") from error


def _where(filters: Filters) -> Filter | None:
    exact = {"document_id": filters.document_id, "path": filters.path}
    where = matching(**{key: value for key, value in exact.items() if value is not None})
    if filters.path_prefix:
        where["must"].append({"key": "path", "match": {"text": filters.path_prefix}})
    return where if where["must"] else None


def result(hit: Hit) -> dict[str, Any]:
    """The passage as a search answers it (`models.Result`)."""
    payload = hit.payload
    return {
        "score": hit.score,
        "text": payload["text"],
        "document": {"id": payload.get("document_id"), "path": payload["path"], "title": payload.get("title")},
        "chunk": payload["chunk"],
        "section": payload.get("section"),
        "page": payload.get("page"),
    }
