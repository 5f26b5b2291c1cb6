"""Paths that changed and have not been handed on yet. A burst is handed on when all of its files stopped changing."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

Stamp = tuple[int, int] | None
"""Size and modification time of a path; None where there is none."""


def stamp(path: Path) -> Stamp:
    """What tells whether the file at `path` still changes."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


@dataclass
class _Seen:
    stamp: Stamp
    since: float


class Pending:
    """What changed, with how long each path has been the same.

    Args:
        stable_s: seconds without a change after which a path counts as complete.
        longest_s: seconds that complete paths wait for the others of their burst.
    """

    def __init__(self, stable_s: float, longest_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stable_s = stable_s
        self._longest_s = longest_s
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that waits."""
        return tuple(self._seen)

    def add(self, paths: Iterable[str]) -> None:
        """Note that something happened to each of `paths`."""
        now = self._clock()
        for path in paths:
            self._seen.setdefault(path, _Seen(None, now)).since = now

    def clear(self) -> None:
        """Forget everything."""
        self._seen.clear()

    def settled(self, stamps: Mapping[str, Stamp]) -> list[str]:
        """Take out what is complete, given each path's stamp of now; empty while the burst goes on."""
        now = self._clock()
        for path, seen in self._seen.items():
            if stamps[path] != seen.stamp:
                seen.stamp, seen.since = stamps[path], now
        complete = [path for path, seen in self._seen.items() if now - seen.since >= self._stable_s]
        waited = max((now - self._seen[path].since for path in complete), default=0.0)
        if len(complete) < len(self._seen) and waited < self._longest_s:
            return []
        for path in complete:
            del self._seen[path]
        return complete
