import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI

from services.common.app import create_app
from services.common.breakers import Breakers
from services.common.errors import UnavailableError
from services.common.http import Http
from services.common.ollama import Ollama
from services.common.qdrant import Qdrant
from services.common.redis import Redis
from services.query.answer import Answerer
from services.query.cache import Cache
from services.query.fallback import Fallback
from services.query.live import Live
from services.query.query_log import Entry, QueryLog
from services.query.routes import rag_router
from services.query.search import Searcher
from services.query.settings import QuerySettings
from services.query.status import status_router
from services.query.versions import Versions
from tests.protections import protection
from tests.servers import Answer, Caller, Clock, Upstream, client, routes, says, streams, upstream

VECTOR = [0.25, 0.5]
PIECES = ("Three nodes ", "can agree [2].")


def passage(number: int, score: float, **payload: Any) -> dict[str, Any]:
    """A point as Qdrant answers it."""
    fields = {"path": f"dir/{number}.md", "text": f"text {number}", "chunk": number, "document_id": f"id-{number}"}
    return {"id": number, "score": score, "payload": {**fields, "title": f"Title {number}", **payload}}


def found(*passages: dict[str, Any]) -> Answer:
    return says({"result": {"points": passages}, "status": "ok"})


def generates(*pieces: str, last: dict[str, Any] | None = None, then: Answer | None = None) -> Answer:
    lines = [*({"response": piece} for piece in pieces), last or {"response": "", "done": True}]
    return streams(*(orjson.dumps(line) + b"\n" for line in lines), then=then)


class Memory(Redis):
    """A Redis that lives in the test."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.error: UnavailableError | None = None

    async def __aexit__(self, *_: object) -> None: ...

    async def get(self, key: str) -> bytes | None:
        if self.error:
            raise self.error
        return self.entries.get(key)

    async def set(self, key: str, value: bytes, *, ttl_s: int) -> bool:
        if self.error:
            raise self.error
        self.entries[key] = value
        return True


def events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream, as a browser reads them."""
    got = []
    for block in body.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        got.append((name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))))
    return got


@dataclass
class Service:
    """The query service's interface over stand-ins, with what it wrote to the query log."""

    qdrant: Upstream
    ollama: Upstream
    app: FastAPI
    http: httpx.AsyncClient
    redis: Memory
    versions: Versions  # none is known until a test polls them
    changes: dict[str, int]  # the versions as the database has them
    clock: Clock
    written: list[Entry]

    async def search(self, query: str = "q=why", **headers: str) -> httpx.Response:
        return await self.http.get(f"/api/v1/rag/search?{query}", headers=headers)

    async def ask(self, headers: dict[str, str] | None = None, **asked: Any) -> httpx.Response:
        body = json.dumps({"question": "why?", **asked})
        given = {"content-type": "application/json", **(headers or {})}
        return await self.http.post("/api/v1/rag/query", content=body, headers=given)

    def caller(self, *, stream: bool, stalls_at: bytes | None = None) -> Caller:
        """A client that asks a question and may hang up."""
        body = orjson.dumps({"question": "why?", "stream": stream})
        return Caller(self.app, "POST", "/api/v1/rag/query", body=body, stalls_at=stalls_at)

    def answers(self, generate: Answer | None = None) -> None:
        """Let the model work, and answer so."""
        self.ollama.answer = routes(embed=says({"embeddings": [VECTOR]}), generate=generate or generates(*PIECES))

    def searched(self) -> dict[str, Any]:
        """What the vector store was asked, the latest."""
        body = self.qdrant.asked[-1][2]
        assert isinstance(body, dict)
        return body

    def prompts(self) -> list[str]:
        """What the model was asked to answer."""
        return [body["prompt"] for _, path, body in self.ollama.asked if path == "/api/generate"]

    def entry(self) -> Entry:
        """The only entry that was written to the query log."""
        (entry,) = self.written
        return entry


@asynccontextmanager
async def serving(settings: QuerySettings) -> AsyncIterator[Service]:
    """The service's routes as `main` puts them together, with a query log that a test can read."""
    written: list[Entry] = []
    redis, clock, changes = Memory(), Clock(), dict[str, int]()

    async def read() -> dict[str, int]:
        return dict(changes)

    async def write(entries: Sequence[Entry]) -> None:
        written.extend(entries)

    async with (
        upstream(found(passage(1, 0.9), passage(2, 0.5))) as qdrant,
        upstream(routes(embed=says({"embeddings": [VECTOR]}), generate=generates(*PIECES))) as ollama,
        Http() as http,
        QueryLog(write, capacity=100, linger_s=0.0) as log,
        Cache(redis, keep_s=settings.cache_stale_s) as cache,
    ):
        models = Ollama(
            http,
            ollama.url,
            embedding_model="all-minilm",
            generation_model="extractive",
            embedding=protection(),
            generation=protection(),
        )
        store = Qdrant(http, [qdrant.url], search=protection(), write=protection())
        versions = Versions(read, clock=clock)
        live = Live(Searcher(models, store), Answerer(models))
        fallback = Fallback(cache, versions, fresh_s=settings.cache_fresh_s, clock=clock)
        routers = [
            *(
                rag_router(prefix, live, fallback, log, settings.default_collection)
                for prefix in ("/api/v1/rag", "/internal")
            ),
            status_router(models, store),
        ]
        app = create_app("query", settings, breakers=Breakers("query", settings), routers=routers)
        async with client(app) as caller:
            yield Service(qdrant, ollama, app, caller, redis, versions, changes, clock, written)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving(QuerySettings.model_validate({"inter_service_secret": "s", "default_collection": "docs"})) as it:
        yield it
