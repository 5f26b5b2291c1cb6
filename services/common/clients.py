"""What a service reaches the rest of the stack by: one client for each dependency, behind its breaker."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import fields
from operator import attrgetter
from typing import Any, Self

from psycopg import sql

from services.common import database, ollama, probes, qdrant, service
from services.common.background_writer import BackgroundWriter
from services.common.breakers import BreakerEvent, Breakers
from services.common.bulkhead import Limit
from services.common.database import Database
from services.common.http import Http
from services.common.ollama import Ollama
from services.common.qdrant import Qdrant
from services.common.service import Service
from services.common.settings import OllamaSettings, StoreSettings

EVENTS = 1000  # of breakers, that may wait for the database


def inserting(store: Database, table: str, row: type[Any]) -> Callable[[Sequence[Any]], Awaitable[None]]:
    """Writes instances of the dataclass `row`, whose fields are the columns, to a table of schema `rag`."""
    names = [field.name for field in fields(row)]
    values = attrgetter(*names)
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    statement = sql.SQL("COPY rag.{} ({}) FROM STDIN").format(sql.Identifier(table), columns)

    async def write(rows: Sequence[Any]) -> None:
        async with store.connection() as connection, connection.cursor() as cursor, cursor.copy(statement) as copy:
            for entry in rows:
                await copy.write_row(values(entry))

    return write


class Clients:
    """The clients, open for the time of an `async with`."""

    def __init__(self, name: str, settings: StoreSettings, *, connections: int = database.CONNECTIONS) -> None:
        self._settings = settings
        self.http = Http()
        self.breakers = Breakers(name, settings)
        make = self.breakers.dependency
        urls = settings.qdrant_urls
        self.qdrant = Qdrant(
            self.http,
            urls,
            search=make("qdrant_search", qdrant.SEARCH_LIMIT, probes.vector_read(urls)),
            write=make("qdrant_write", qdrant.WRITE_LIMIT, probes.vector_write(urls)),
        )
        address = (settings.database_url, settings.database_password)
        guard = make("timescaledb", Limit(connections, database.QUEUE), probes.database(*address))
        self.database = Database(*address, protection=guard, connections=connections)
        events = inserting(self.database, "breaker_events", BreakerEvent)
        self._events = BackgroundWriter[BreakerEvent](events, capacity=EVENTS, name="breaker events")
        self.breakers.record = self._events.add
        self._opened = AsyncExitStack()

    def ollama(self, settings: OllamaSettings) -> Ollama:
        """The client of Ollama with the models that the settings name."""
        url, embedding, generation = (
            settings.ollama_url.rstrip("/"),
            settings.embedding_model,
            settings.generation_model,
        )
        make = self.breakers.dependency
        return Ollama(
            self.http,
            url,
            embedding_model=embedding,
            generation_model=generation,
            embedding=make("ollama_embedding", ollama.EMBEDDING_LIMIT, probes.embedding(url, embedding)),
            generation=make("ollama_generation", ollama.GENERATION_LIMIT, probes.generation(url, generation)),
        )

    def service(self, name: str, url: str) -> Service:
        """The client of another service."""
        guard = self.breakers.service(name, service.LIMIT, probes.service(url.rstrip("/")))
        return Service(name, self.http, url, self._settings.service_secret.sent, protection=guard)

    async def __aenter__(self) -> Self:
        for client in (self.http, self.database, self._events):
            await self._opened.enter_async_context(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()
