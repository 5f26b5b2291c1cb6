import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from services.collections import watcher
from services.collections.ingestion import Ingestion
from services.collections.pending import Pending
from services.collections.watcher import Watch
from services.common.collections import Collection
from services.common.service import ServiceUnavailableError
from tests.servers import eventually

DOCS = Collection(name="docs", directory="docs", embedding_model="m")


class Jobs(Ingestion):
    """Keeps what it was asked for; `down` makes it refuse."""

    def __init__(self) -> None:
        self.asked: list[list[str] | None] = []
        self.down = False

    async def start(
        self, collection: str, paths: Sequence[str] | None = None, *, force: bool = False
    ) -> dict[str, Any]:
        if self.down:
            raise ServiceUnavailableError("away")
        self.asked.append(None if paths is None else list(paths))
        return {"id": str(len(self.asked))}


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "TICK_MS", 10)
    monkeypatch.setattr(watcher, "MISSING_S", 0.01)
    monkeypatch.setattr(watcher, "RETRY_S", 0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    return tmp_path / "docs"


async def nothing_known(_: str) -> list[str]:
    return []


@asynccontextmanager
async def watching(
    folder: Path, jobs: Jobs, known: Callable[[str], Any] = nothing_known, *, sweep_s: float = 600.0
) -> AsyncIterator[Watch]:
    """A watch that has asked for its first job, the one for the whole folder."""
    watch = Watch(DOCS, folder.parent, jobs, known, Pending(0.05, 0.5), sweep_s)
    task = asyncio.create_task(watch.run())
    try:
        if not jobs.down and folder.exists():
            await eventually(lambda: jobs.asked[:1] == [None])
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_at_its_start_the_whole_folder_is_compared(folder: Path) -> None:
    jobs = Jobs()
    async with watching(folder, jobs):
        assert jobs.asked == [None]


async def test_a_burst_of_changes_becomes_one_job(folder: Path) -> None:
    jobs = Jobs()
    async with watching(folder, jobs):
        for number in range(30):
            (folder / f"{number}.md").write_text("x")
        await eventually(lambda: len(jobs.asked) > 1)
        assert sorted(jobs.asked[1] or []) == sorted(f"{number}.md" for number in range(30))


async def test_a_rename_names_the_old_path_and_the_new(folder: Path) -> None:
    (folder / "old.md").write_text("x")
    jobs = Jobs()
    async with watching(folder, jobs):
        (folder / "old.md").rename(folder / "new.md")
        await eventually(lambda: len(jobs.asked) > 1)
        assert jobs.asked[1] == ["new.md", "old.md"]


async def test_what_is_no_document_leads_to_no_job(folder: Path) -> None:
    jobs = Jobs()
    async with watching(folder, jobs):
        for name in ("picture.png", ".hidden.md", "a.md~", "last.md"):
            (folder / name).write_text("x")
        await eventually(lambda: len(jobs.asked) > 1)
        assert jobs.asked[1] == ["last.md"]


async def test_a_folder_moved_in_brings_its_documents(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "prepared/deep").mkdir(parents=True)
    (tmp_path / "prepared/deep/a.md").write_text("x")
    jobs = Jobs()
    async with watching(folder, jobs):
        (tmp_path / "prepared").rename(folder / "moved")
        await eventually(lambda: len(jobs.asked) > 1)
        assert jobs.asked[1] == ["moved/deep/a.md"]


async def test_a_folder_moved_out_takes_along_what_was_recorded_below_it(folder: Path, tmp_path: Path) -> None:
    (folder / "old").mkdir()
    (folder / "old/a.md").write_text("x")

    async def known(below: str) -> list[str]:
        return [f"{below}/a.md"]

    jobs = Jobs()
    async with watching(folder, jobs, known):
        (folder / "old").rename(tmp_path / "elsewhere")
        await eventually(lambda: len(jobs.asked) > 1)
        assert jobs.asked[1] == ["old/a.md"]


async def test_where_that_cannot_be_told_the_whole_folder_is_compared(folder: Path, tmp_path: Path) -> None:
    (folder / "old").mkdir()

    async def unknown(_: str) -> list[str]:
        raise ServiceUnavailableError("the database is away")

    jobs = Jobs()
    async with watching(folder, jobs, unknown):
        (folder / "old").rename(tmp_path / "elsewhere")
        await eventually(lambda: len(jobs.asked) > 1)
        assert jobs.asked[1] is None


async def test_changes_are_kept_while_no_job_can_be_recorded(folder: Path) -> None:
    jobs = Jobs()
    async with watching(folder, jobs) as watch:
        jobs.down = True
        (folder / "a.md").write_text("x")
        await eventually(lambda: watch._not_before > 0)
        (folder / "b.md").write_text("x")
        jobs.down = False
        await eventually(lambda: {path for paths in jobs.asked for path in paths or ()} == {"a.md", "b.md"})


async def test_the_first_comparison_is_asked_for_again_until_it_is_recorded(folder: Path) -> None:
    jobs = Jobs()
    jobs.down = True
    async with watching(folder, jobs) as watch:
        await eventually(lambda: watch._not_before > 0)
        jobs.down = False
        await eventually(lambda: jobs.asked == [None])


async def test_a_folder_that_vanishes_removes_nothing_and_is_compared_when_it_is_back(folder: Path) -> None:
    (folder / "a.md").write_text("x")
    jobs = Jobs()
    async with watching(folder, jobs):
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "b.md").write_text("x")
        await eventually(lambda: len(jobs.asked) > 1)
        assert jobs.asked == [None, None]


async def test_a_missing_folder_is_waited_for(folder: Path) -> None:
    folder.rmdir()
    jobs = Jobs()
    async with watching(folder, jobs):
        assert jobs.asked == []
        folder.mkdir()
        await eventually(lambda: jobs.asked == [None])


async def test_more_changes_than_a_job_takes_compare_the_whole_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "LARGEST", 3)
    jobs = Jobs()
    async with watching(folder, jobs):
        for number in range(5):
            (folder / f"{number}.md").write_text("x")
        await eventually(lambda: len(jobs.asked) > 1)
        assert jobs.asked[1] is None


async def test_the_whole_folder_is_compared_now_and_then(folder: Path) -> None:
    jobs = Jobs()
    async with watching(folder, jobs, sweep_s=0.05):
        await eventually(lambda: jobs.asked[:3] == [None, None, None])


async def test_without_the_kernels_watches_the_folder_is_polled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def limited(*paths: Path, force_polling: bool, **options: Any) -> AsyncIterator[Any]:
        asked.append(force_polling)
        if not force_polling:
            raise OSError("OS file watch limit reached.")
        async for changes in watchfiles.awatch(*paths, force_polling=True, poll_delay_ms=10, **options):
            yield changes

    monkeypatch.setattr(watcher, "awatch", limited)
    jobs = Jobs()
    async with watching(folder, jobs):
        (folder / "a.md").write_text("x")
        await eventually(lambda: len(jobs.asked) > 1)
    assert jobs.asked[1] == ["a.md"]
    assert asked == [False, True]


async def test_a_directory_outside_of_the_data_root_is_not_watched(tmp_path: Path) -> None:
    outside = DOCS.model_copy(update={"directory": "../elsewhere"})
    await Watch(outside, tmp_path, Jobs(), nothing_known, Pending(1, 1), 1.0).run()
