"""Watches a collection's folder and has ingestion deal with what changes there."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio.to_thread
from watchfiles import Change, awatch
from watchfiles._rust_notify import WatchfilesRustInternalError

from services.collections.ingestion import Ingestion
from services.collections.pending import Pending, stamp
from services.common.collections import Collection
from services.common.errors import InvalidRequestError, ServiceError
from services.common.folder import directory, documents, format_of, is_ignored

TICK_MS = 200  # between two looks at what is pending
MISSING_S = 1.0  # between two looks for a folder that is not there
RETRY_S = 2.0  # before asking again for a job that could not be recorded
LARGEST = 1000  # paths of a job; more are left to a job for the whole collection

log = logging.getLogger(__name__)


@dataclass
class Watch:
    """One folder under watch. What could not be handed on is kept, and asked for again.

    Args:
        known_below: the documents that are recorded below a folder of the collection.
        sweep_s: seconds after which the whole folder is compared, whatever the events said.
    """

    collection: Collection
    data_root: Path
    ingestion: Ingestion
    known_below: Callable[[str], Awaitable[list[str]]]
    pending: Pending
    sweep_s: float
    clock: Callable[[], float] = time.monotonic
    folder: Path = field(init=False)
    _paths: set[str] = field(default_factory=set, init=False)
    _whole_at: float = field(default=0.0, init=False)
    _not_before: float = field(default=0.0, init=False)

    async def run(self) -> None:
        """Watch until cancelled; ends at once where the collection's directory is not allowed.

        A folder that is missing is waited for: an unmounted disk deletes nothing.
        """
        try:
            self.folder = directory(self.data_root, self.collection.directory)
        except InvalidRequestError as error:
            log.error("not watched", extra={"collection": self.collection.name, "error": error.detail})  # noqa: TRY400 - the detail says it all
            return
        while True:
            if self.folder.is_dir():
                self._whole_at = self.clock()
                with _one_more_thread():
                    await self._watch_folder(polling=False)
                log.warning("folder is gone, nothing is removed", extra={"collection": self.collection.name})
            await asyncio.sleep(MISSING_S)

    async def _watch_folder(self, *, polling: bool) -> None:
        """Deal with changes until the folder is gone, or is another one than at first."""
        identity = _identity(self.folder)
        events = awatch(
            self.folder,
            watch_filter=None,
            debounce=2 * TICK_MS,
            rust_timeout=TICK_MS,
            yield_on_timeout=True,
            force_polling=polling,
            ignore_permission_denied=True,
        )
        try:
            async for changes in events:
                if (Change.deleted, str(self.folder)) in changes or _identity(self.folder) != identity:
                    self.pending.clear()
                    return
                self.pending.add(self._relative(path for _, path in changes))
                await self._tick()
        except FileNotFoundError:
            return
        except (OSError, WatchfilesRustInternalError) as error:
            if polling:
                raise
            log.warning(
                "the kernel does not watch the folder, it is looked through instead; see fs.inotify.max_user_watches",
                extra={"collection": self.collection.name, "error": str(error)},
            )
            await self._watch_folder(polling=True)

    def _relative(self, paths: Iterable[str]) -> Iterator[str]:
        for path in paths:
            relative = Path(path).relative_to(self.folder).as_posix()
            if relative != "." and not is_ignored(relative):
                yield relative

    async def _tick(self) -> None:
        if paths := self.pending.paths:
            stamps = await asyncio.to_thread(lambda: {path: stamp(self.folder / path) for path in paths})
            try:
                for path in self.pending.settled(stamps):
                    self._paths.update(await self._documents_at(path))
            except ServiceError:  # what lay below a deleted folder cannot be told now: compare everything
                self._whole_at = self.clock()
        if (self._paths or self.clock() >= self._whole_at) and self.clock() >= self._not_before:
            await self._hand_on()

    async def _documents_at(self, path: str) -> Iterable[str]:
        """The documents that an event at `path` may concern: itself, or what is or was below it."""
        there = self.folder / path
        if format_of(path):
            return [path]
        if there.is_dir():
            return [f"{path}/{name}" for name in await asyncio.to_thread(list, documents(self.data_root, there))]
        return [] if there.exists() else await self.known_below(path)

    async def _hand_on(self) -> None:
        whole = self.clock() >= self._whole_at or len(self._paths) > LARGEST
        name, paths = self.collection.name, sorted(self._paths)
        gone = sum(not (self.folder / path).exists() for path in paths)
        try:
            job = await self.ingestion.start(name, None if whole else paths)
        except ServiceError as error:
            self._not_before = self.clock() + RETRY_S
            log.warning("changes wait", extra={"collection": name, "paths": len(paths), "error": error.detail})
            return
        self._paths.clear()
        if whole:
            self._whole_at = self.clock() + self.sweep_s
        counts = {"whole": True} if whole else {"changed": len(paths) - gone, "deleted": gone}
        log.info("changes handed on", extra={"collection": name, "job": job["id"], **counts})


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _one_more_thread() -> Iterator[None]:
    """`awatch` holds a thread of anyio's pool for as long as it watches."""
    limiter = anyio.to_thread.current_default_thread_limiter()
    limiter.total_tokens += 1
    try:
        yield
    finally:
        limiter.total_tokens -= 1
