"""Readiness: what a service depends on, whether it answers, and when it last did."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

PING_TIMEOUT_S = 1.5  # longer than the clients' own limits, which say more about what is wrong
INTERVAL_S = 5.0  # between background rounds
FRESH_S = 1.0  # /ready asks again when the last round is older


@dataclass(frozen=True)
class Dependency:
    """Something the service calls: `ping` returns when it answers and raises when it does not."""

    name: str
    ping: Callable[[], Coroutine[Any, Any, object]]
    required: bool = True


@dataclass
class _Seen:
    ok: bool = False
    error: str | None = "not asked yet"
    last_success: float | None = None
    pending: asyncio.Task[object] | None = field(default=None, repr=False)


class Health:
    """Pings the dependencies in the background and on demand; a ping that hangs delays nobody."""

    def __init__(
        self,
        dependencies: Sequence[Dependency],
        *,
        clock: Callable[[], float] = time.time,
        ping_timeout_s: float = PING_TIMEOUT_S,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._seen = [(dependency, _Seen()) for dependency in dependencies]
        self._clock, self._timeout_s, self._interval_s = clock, ping_timeout_s, interval_s
        self._round: asyncio.Task[None] | None = None
        self._asked_at = float("-inf")
        self._background: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._background = asyncio.create_task(self._keep_asking())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._background, self._round, *(seen.pending for _, seen in self._seen)):
            if task:
                task.cancel()

    async def report(self) -> dict[str, Any]:
        """Each dependency with ok, last_success (ISO time), age_s (since then), error; `ready`: all required are ok."""
        if self._clock() - self._asked_at > FRESH_S:
            await self._ask()
        now = self._clock()
        return {
            "ready": all(seen.ok for dependency, seen in self._seen if dependency.required),
            "dependencies": {dependency.name: _state(dependency, seen, now) for dependency, seen in self._seen},
        }

    async def _keep_asking(self) -> None:
        while True:
            await self._ask()
            await asyncio.sleep(self._interval_s)

    async def _ask(self) -> None:
        """Join the round under way, or start one."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._ask_all())
        await asyncio.shield(self._round)

    async def _ask_all(self) -> None:
        await asyncio.gather(*(self._ask_one(dependency, seen) for dependency, seen in self._seen))
        self._asked_at = self._clock()

    async def _ask_one(self, dependency: Dependency, seen: _Seen) -> None:
        # A ping that did not end, even when cancelled, is left alone and not asked a second time.
        if seen.pending is None or seen.pending.done():
            seen.pending = asyncio.create_task(dependency.ping())
        done, _ = await asyncio.wait({seen.pending}, timeout=self._timeout_s)
        if not done:
            seen.pending.cancel()
            seen.ok, seen.error = False, f"no answer within {self._timeout_s:g} s"
        elif (error := _error(seen.pending)) is not None:
            seen.ok, seen.error = False, f"{type(error).__name__}: {error}"
        else:
            seen.ok, seen.error, seen.last_success = True, None, self._clock()


def _error(task: asyncio.Task[object]) -> BaseException | None:
    return asyncio.CancelledError("ping cancelled") if task.cancelled() else task.exception()


def _state(dependency: Dependency, seen: _Seen, now: float) -> dict[str, Any]:
    succeeded = seen.last_success
    return {
        "ok": seen.ok,
        "required": dependency.required,
        "last_success": datetime.fromtimestamp(succeeded, UTC).isoformat(timespec="milliseconds")
        if succeeded
        else None,
        "age_s": round(now - succeeded, 3) if succeeded else None,
        "error": seen.error,
    }
