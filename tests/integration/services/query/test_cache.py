"""The query service with a real Redis and a real database: what is fresh, and what a lost cache costs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

import httpx
import psycopg
import pytest

from services.common import background_writer, versions
from services.common import redis as common_redis
from services.query import versions as known
from services.query.main import build
from services.query.settings import QuerySettings
from tests.postgres import PASSWORD, Postgres
from tests.redis import Server, redis
from tests.servers import Upstream, client, drops, routes, says, upstream

LEASE_S = 0.4
HITS = {"result": {"points": [{"id": 1, "score": 0.9, "payload": {"path": "a.md", "text": "text", "chunk": 0}}]}}


@pytest.fixture(scope="module")
def cache_server() -> Iterator[Server]:
    with redis() as running:
        yield running


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "LEASE_S", LEASE_S)
    monkeypatch.setattr(known, "POLL_S", 0.02)
    monkeypatch.setattr(common_redis, "RECOVERY_S", 0.05)
    monkeypatch.setattr(background_writer, "FLUSH_S", 0.1)


@dataclass
class Stack:
    """Two instances of the service, and what they stand on."""

    instances: tuple[httpx.AsyncClient, httpx.AsyncClient]
    qdrant: Upstream

    async def source(self, instance: int = 0) -> str:
        """Where the answer to the one search is from."""
        answer = await self.instances[instance].get("/api/v1/rag/search?q=why")
        assert answer.status_code == 200
        assert answer.json()["results"][0]["text"] == "text"
        if "x-from-cache" not in answer.headers:
            return "live"
        return "stale" if "x-service-degraded" in answer.headers else "cache"

    async def until(self, source: str, instance: int = 0) -> None:
        deadline = perf_counter() + 20
        while await self.source(instance) != source:
            assert perf_counter() < deadline, f"never {source}"
            await asyncio.sleep(0.01)


@asynccontextmanager
async def instance(
    database: Postgres, cache: Server, qdrant: Upstream, ollama: Upstream
) -> AsyncIterator[httpx.AsyncClient]:
    told = {
        "inter_service_secret": "s",
        "qdrant_urls": qdrant.url,
        "ollama_url": ollama.url,
        "database_url": database.url,
        "database_password": PASSWORD,
        "redis_url": cache.url,
    }
    async with client(build(QuerySettings.model_validate(told))) as http:
        yield http


@pytest.fixture
async def stack(database_server: Postgres, cache_server: Server) -> AsyncIterator[Stack]:
    async with (
        upstream(says(HITS)) as qdrant,
        upstream(routes(embed=says({"embeddings": [[0.1, 0.2]]}))) as ollama,
        instance(database_server, cache_server, qdrant, ollama) as one,
        instance(database_server, cache_server, qdrant, ollama) as other,
    ):
        cache_server.kill()  # what the tests before kept
        cache_server.start()
        yield Stack((one, other), qdrant)


async def test_a_change_ends_what_is_fresh_at_every_instance_within_the_lease(
    stack: Stack, sql: psycopg.Connection, database_server: Postgres
) -> None:
    await stack.until("cache", 0)
    await stack.until("cache", 1)
    for _ in range(2):
        async with await psycopg.AsyncConnection.connect(database_server.url, password=PASSWORD) as connection:
            await versions.bump(connection, "docs")
        await asyncio.sleep(LEASE_S)
        asked = len(stack.qdrant.asked)
        assert await stack.source(0) == "live"
        assert len(stack.qdrant.asked) == asked + 1
        await stack.until("cache", 1)
        assert len(stack.qdrant.asked) <= asked + 3
    assert sql.execute("SELECT version FROM rag.collection_versions WHERE collection = 'docs'").fetchone() == (2,)


async def test_without_the_database_nothing_is_fresh_after_the_lease_and_stale_answers_help(
    stack: Stack, database_server: Postgres
) -> None:
    await stack.until("cache")
    database_server.stop()
    await asyncio.sleep(LEASE_S)
    assert await stack.source() == "live"
    stack.qdrant.answer = drops
    assert await stack.source() == "stale"
    stack.qdrant.answer = says(HITS)


async def test_a_redis_that_is_killed_and_comes_back_costs_no_request(stack: Stack, cache_server: Server) -> None:
    await stack.until("cache")
    cache_server.kill()
    assert {await stack.source() for _ in range(20)} == {"live"}
    cache_server.start()
    await stack.until("cache")
