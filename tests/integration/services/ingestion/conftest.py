"""The ingestion service's workers with a real database, a model and a vector store that live in the test."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from aiohttp import web
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from pydantic import SecretStr

from services.common.collections import Collections
from services.common.database import Database
from services.common.http import Http
from services.common.ollama import Ollama
from services.common.qdrant import Qdrant
from services.ingestion.jobs import Jobs
from services.ingestion.lease import Lease, Leases
from services.ingestion.models import JobBody
from services.ingestion.reader import Reader
from services.ingestion.reading.formats import Read, Wanted, read
from services.ingestion.repeat import Patience
from services.ingestion.run import Tools
from services.ingestion.worker import Workers
from tests.postgres import PASSWORD, Postgres
from tests.protections import protection
from tests.servers import Answer, upstream

PATIENCE = Patience(attempts=3, first_pause_s=0.01, longest_pause_s=0.02)


class Steps:
    """Counts what the service does outside of itself; at the chosen step it hangs, as if it were killed there."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.stop_at: int | None = None
        self.stopped = asyncio.Event()

    async def __call__(self, name: str) -> None:
        self.taken.append(name)
        if len(self.taken) == self.stop_at:
            self.stopped.set()
            await asyncio.Event().wait()


@dataclass
class Vectors:
    """A vector store that keeps points and honours the filters that ingestion uses."""

    step: Steps
    points: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    fault: Callable[[str], Answer | None] = lambda _: None
    watch: Callable[[], None] = lambda: None
    upserts: int = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/readyz":
            return web.Response()
        name, _, rest = request.path.removeprefix("/collections/").partition("/")
        what = f"{request.method} {rest}"
        await self.step(f"before {what}")
        if fault := self.fault(what):
            return await fault(request)
        answer = self._answer(name, what, orjson.loads(await request.read() or b"{}"))
        self.watch()
        await self.step(f"after {what}")
        return answer

    def _answer(self, name: str, what: str, body: dict[str, Any]) -> web.Response:
        if what == "PUT ":
            if name in self.points:
                return web.json_response({"status": {"error": "already exists!"}}, status=409)
            self.points[name] = {}
        elif name not in self.points:
            return web.json_response({"status": {"error": f"Collection `{name}` doesn't exist!"}}, status=404)
        elif what == "PUT points":
            self.upserts += 1
            self.points[name] |= {point["id"]: point["payload"] for point in body["points"]}
        elif what == "POST points/delete":
            kept = {key: p for key, p in self.points[name].items() if not _matches(p, body["filter"])}
            self.points[name] = kept
        return web.json_response({"result": {"status": "ok"}})

    def ids(self, path: str, collection: str = "docs") -> set[str]:
        return {key for key, payload in self.points.get(collection, {}).items() if payload["path"] == path}

    def texts(self, path: str, collection: str = "docs") -> list[str]:
        found = [payload for payload in self.points.get(collection, {}).values() if payload["path"] == path]
        return [payload["text"] for payload in sorted(found, key=lambda payload: payload["chunk"])]


def _matches(payload: dict[str, Any], where: dict[str, Any]) -> bool:
    def holds(condition: dict[str, Any]) -> bool:
        return bool(payload[condition["key"]] == condition["match"]["value"])

    return all(map(holds, where["must"])) and not any(map(holds, where.get("must_not", ())))


@dataclass
class Model:
    """Embeds a text as three numbers."""

    step: Steps
    fault: Callable[[list[str]], Answer | None] = lambda _: None
    texts: list[str] = field(default_factory=list)
    size: int = 3

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/api/version":
            return web.json_response({"version": "0"})
        await self.step("before embed")
        texts = orjson.loads(await request.read())["input"]
        if fault := self.fault(texts):
            return await fault(request)
        self.texts += texts
        vectors = [[byte / 255 for byte in hashlib.sha256(text.encode()).digest()[: self.size]] for text in texts]
        await self.step("after embed")
        return web.json_response({"embeddings": vectors})


class SteppedDatabase(Database):
    """Every transaction is two steps: before its commit and after."""

    def __init__(self, url: str, step: Steps) -> None:
        super().__init__(url, SecretStr(PASSWORD), protection=protection())
        self._step = step

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        async with super().connection() as connection:
            yield connection
            await self._step("before commit")
        await self._step("after commit")


class OwnReader(Reader):
    """Reads in this process: the reader process has tests of its own."""

    async def read(self, wanted: Wanted, data: bytes) -> Read:
        return read(wanted, data)


@dataclass
class Bench:
    """The workers, everything around them, and what a test wants to know."""

    root: Path
    sql: psycopg.Connection
    server: Postgres
    step: Steps
    vectors: Vectors
    model: Model
    urls: tuple[str, str]
    database: Database

    @property
    def jobs(self) -> Jobs:
        """Whose jobs are anybody's at once."""
        return self.accepting("nobody", lease_s=0)

    def accepting(self, process: str, *, lease_s: float = 60) -> Jobs:
        """Jobs as that process accepts them."""
        return Jobs(self.database, Leases(self.database, process, seconds=lease_s))

    def write(self, path: str, text: str | bytes, folder: str = "docs") -> None:
        file = self.root / folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def collection(self, name: str = "docs", **fields: Any) -> None:
        row = {"name": name, "directory": name, "embedding_model": "all-minilm", "chunk_tokens": 64, **fields}
        row |= {"chunk_overlap": 0, "enabled": fields.get("enabled", True)}
        self.sql.execute(
            "INSERT INTO rag.collections (name, directory, embedding_model, chunk_tokens, chunk_overlap, enabled)"
            " VALUES (%(name)s, %(directory)s, %(embedding_model)s, %(chunk_tokens)s, %(chunk_overlap)s, %(enabled)s)",
            row,
        )
        (self.root / name).mkdir(exist_ok=True)

    @asynccontextmanager
    async def workers(
        self, process: str = "host:1", *, lease_s: float = 60, count: int = 1, poll_s: float = 0.02, own: bool = False
    ) -> AsyncIterator[Workers]:
        """Workers as one process of the service has them."""
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(Http())
            database = await stack.enter_async_context(SteppedDatabase(self.server.url, self.step))
            tools = Tools(
                database,
                Collections(database, self.root / "none.json"),
                Qdrant(http, [self.urls[0]], search=protection(), write=protection()),
                Ollama(
                    http,
                    self.urls[1],
                    embedding_model="all-minilm",
                    generation_model="none",
                    embedding=protection(),
                    generation=protection(),
                ),
                await stack.enter_async_context(OwnReader()),
                self.root,
                PATIENCE,
            )
            leases = Leases(database, process, seconds=lease_s, own=own)
            yield await stack.enter_async_context(Workers(leases, tools, count=count, poll_s=poll_s))

    async def create(
        self, collection: str = "docs", *paths: str, force: bool = False, jobs: Jobs | None = None
    ) -> UUID:
        body = JobBody(collection=collection, paths=list(paths) or None, force=force)
        job: UUID = (await (jobs or self.jobs).create(body))["id"]
        return job

    async def ended(self, job: UUID, seconds: float = 30) -> dict[str, Any]:
        """The job, once it has ended."""
        deadline = time.monotonic() + seconds
        while (shown := await self.jobs.get(job))["state"] not in {"done", "failed"}:
            assert time.monotonic() < deadline, f"not within {seconds} s: {shown}"
            await asyncio.sleep(0.005)
        return shown

    async def done(self, collection: str = "docs", *paths: str, force: bool = False) -> dict[str, Any]:
        """A job that has been done from its start to its end."""
        job = await self.create(collection, *paths, force=force)
        async with self.workers():
            return await self.ended(job)

    def became(self, job: UUID) -> dict[str, str]:
        """What became of the job's documents."""
        return dict(self.sql.execute("SELECT path, status FROM rag.job_documents WHERE job_id = %s", (job,)).fetchall())

    def server_connection(self) -> psycopg.Connection:
        """A new connection, where the server was restarted."""
        return psycopg.connect(self.server.url, password=PASSWORD)

    def documents(self) -> dict[str, dict[str, Any]]:
        with self.sql.cursor(row_factory=dict_row) as cursor:
            return {row["path"]: row for row in cursor.execute("SELECT * FROM rag.documents")}


@pytest.fixture
async def bench(tmp_path: Path, sql: psycopg.Connection, database_server: Postgres) -> AsyncIterator[Bench]:
    step = Steps()
    vectors, model = Vectors(step), Model(step)
    async with (
        upstream(vectors) as qdrant,
        upstream(model) as ollama,
        Database(database_server.url, SecretStr(PASSWORD), protection=protection()) as database,
    ):
        urls = (qdrant.url, ollama.url)
        yield Bench(tmp_path, sql, database_server, step, vectors, model, urls, database)


async def never_released(_: Lease) -> None:
    """In place of Lease.release: the worker was killed before it could."""


@dataclass
class Slow:
    """An embedding that comes when the test says so."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    proceed: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _: web.Request) -> web.StreamResponse:
        self.asked.set()
        await self.proceed.wait()
        return web.json_response({"embeddings": [[0.1, 0.2, 0.3]]})


def sections(*names: str) -> str:
    """A Markdown document with a section, and so a chunk, for each name."""
    return "# Title\n\n" + "\n\n".join(
        f"## {name}\n\n{name} is told here. " + "More of it follows. " * 8 for name in names
    )
