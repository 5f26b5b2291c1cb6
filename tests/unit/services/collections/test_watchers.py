import asyncio
from pathlib import Path

from services.collections.ingestion import Ingestion
from services.collections.pending import Pending
from services.collections.watcher import Watch
from services.collections.watchers import Watchers
from services.common.collections import BadCollectionsFileError, Collection, Collections
from tests.servers import eventually

DOCS = Collection(name="docs", directory="docs", embedding_model="m")
OTHER = Collection(name="other", directory="other", embedding_model="m")


class Configured(Collections):
    """Collections that a test changes."""

    def __init__(self, *collections: Collection) -> None:
        self.collections = list(collections)
        self.broken = False

    async def all(self) -> list[Collection]:
        if self.broken:
            raise BadCollectionsFileError("neither source")
        return self.collections


class Watched:
    """Makes watches that only note that they run."""

    def __init__(self) -> None:
        self.running: list[Collection] = []
        self.started = 0
        self.fail = False

    def __call__(self, collection: Collection) -> Watch:
        watched = self

        class Noted(Watch):
            async def run(self) -> None:
                watched.started += 1
                watched.running.append(collection)
                try:
                    if watched.fail:
                        raise RuntimeError("a defect")
                    await asyncio.Event().wait()
                finally:
                    watched.running.remove(collection)

        async def known(_: str) -> list[str]:
            return []

        return Noted(collection, Path(), Ingestion.__new__(Ingestion), known, Pending(1, 1), 1.0)


async def test_every_enabled_collection_is_watched_until_the_service_stops() -> None:
    watched = Watched()
    disabled = OTHER.model_copy(update={"enabled": False})
    async with Watchers(Configured(DOCS, disabled), watched, refresh_s=60):
        await eventually(lambda: watched.running == [DOCS])
    assert watched.running == []


async def test_collections_come_change_and_go() -> None:
    watched, configured = Watched(), Configured(DOCS)
    async with Watchers(configured, watched, refresh_s=60) as watchers:
        await eventually(lambda: watched.running == [DOCS])
        configured.collections = [DOCS, OTHER]
        watchers.refresh()
        await eventually(lambda: watched.running == [DOCS, OTHER])
        changed = DOCS.model_copy(update={"chunk_tokens": 128})
        configured.collections = [changed]
        watchers.refresh()
        await eventually(lambda: watched.running == [changed])


async def test_a_change_that_nobody_announced_is_seen_too() -> None:
    watched, configured = Watched(), Configured(DOCS)
    async with Watchers(configured, watched, refresh_s=0.01):
        await eventually(lambda: watched.running == [DOCS])
        configured.collections = [OTHER]
        await eventually(lambda: watched.running == [OTHER])


async def test_while_the_collections_cannot_be_read_the_known_ones_stay_watched() -> None:
    watched, configured = Watched(), Configured(DOCS)
    async with Watchers(configured, watched, refresh_s=0.01):
        await eventually(lambda: watched.running == [DOCS])
        configured.broken = True
        await asyncio.sleep(0.05)
        assert watched.running == [DOCS]


async def test_a_watch_that_broke_is_started_again() -> None:
    watched = Watched()
    watched.fail = True
    async with Watchers(Configured(DOCS), watched, refresh_s=0.01):
        await eventually(lambda: watched.started > 1)
        watched.fail = False
        await eventually(lambda: watched.running == [DOCS])
