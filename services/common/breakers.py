"""A service's breakers: made here, measured, reported on, and reset by hand."""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from circuitbreaker import STATE_CLOSED, STATE_HALF_OPEN, STATE_OPEN
from fastapi import APIRouter
from prometheus_client import Counter, Gauge
from starlette.requests import Request
from starlette.responses import Response

from services.common.breaker import Breaker, Consecutive, FailureShare, Result, Rule
from services.common.bulkhead import Bulkhead, Limit
from services.common.errors import NotFoundError
from services.common.probes import Probe
from services.common.protection import Protection
from services.common.responses import Json
from services.common.settings import ServiceSettings
from services.common.siblings import Siblings

PROBE_S = 2.0  # for the independent probe at a trip
RECENT = 400  # what `/internal/breakers` tells of each breaker's past

STATES = {STATE_CLOSED: 0, STATE_HALF_OPEN: 1, STATE_OPEN: 2}

STATE = Gauge("breaker_state", "0 closed, 1 half-open, 2 open, at this moment", ["breaker"])
CALLS = Counter("breaker_calls", "Calls by what they told of the dependency", ["breaker", "outcome"])
TRANSITIONS = Counter("breaker_transitions", "Changes of state", ["breaker", "to"])
TRIPS = Counter("breaker_trips", "Times it opened from closed", ["breaker"])
FALSE = Counter("breaker_false_positives", "Trips while an independent probe of the dependency succeeded", ["breaker"])
FALSE_RATIO = Gauge("breaker_false_positive_ratio", "Share of the trips that were false; 0 without any", ["breaker"])

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BreakerEvent:
    """A change of a breaker's state: a row of rag.breaker_events."""

    happened_at: datetime
    service: str
    pid: int
    breaker: str
    old_state: str
    new_state: str
    reason: str
    false_positive: bool | None  # of a trip: whether an independent probe succeeded at that moment


class _Watched:
    """Observes one breaker."""

    def __init__(self, breaker: Breaker, probe: Probe, tell: Callable[[BreakerEvent], None], service: str) -> None:
        self._probe, self._tell, self._service = probe, tell, service
        name = breaker.name
        self.recent: deque[dict[str, Any]] = deque(maxlen=RECENT)
        self.trips = 0
        self.false_positives = 0
        self._probing: set[asyncio.Task[None]] = set()
        self._calls = {result: CALLS.labels(name, result.value) for result in Result}
        self._transitions = {state: TRANSITIONS.labels(name, state) for state in STATES}
        self._trips, self._false = TRIPS.labels(name), FALSE.labels(name)
        STATE.labels(name).set_function(lambda: STATES[breaker.state])
        FALSE_RATIO.labels(name).set_function(lambda: self.false_positives / self.trips if self.trips else 0.0)

    def began(self, breaker: Breaker, call: int, *, probe: bool) -> None:
        self.recent.append({"at": breaker.clock(), "event": "probe" if probe else "began", "call": call})

    def ended(self, breaker: Breaker, call: int | None, result: Result) -> None:
        self._calls[result].inc()
        last = self.recent[-1] if self.recent else {}
        if result is Result.NOT_PERMITTED and last.get("event") == result:
            last["times"] += 1  # a thousand of them must not push the interesting ones out
        elif result is Result.NOT_PERMITTED:
            self.recent.append({"at": breaker.clock(), "event": result.value, "times": 1})
        else:
            self.recent.append({"at": breaker.clock(), "event": result.value, "call": call})

    def changed(self, breaker: Breaker, old: str, new: str, reason: str) -> None:
        self.recent.append({"at": breaker.clock(), "event": new, "reason": reason})
        if old == new:
            return
        self._transitions[new].inc()
        event = BreakerEvent(datetime.now(UTC), self._service, os.getpid(), breaker.name, old, new, reason, None)
        if (old, new) != (STATE_CLOSED, STATE_OPEN):
            self._tell(event)
            return
        self.trips += 1
        self._trips.inc()
        task = asyncio.create_task(self._judge(event))
        self._probing.add(task)
        task.add_done_callback(self._probing.discard)

    async def _judge(self, event: BreakerEvent) -> None:
        false_positive = False
        with suppress(Exception):  # whatever is raised: the dependency does not work
            async with asyncio.timeout(PROBE_S):
                await self._probe()
            false_positive = True
        if false_positive:
            self.false_positives += 1
            self._false.inc()
        self._tell(BreakerEvent(**{**vars(event), "false_positive": false_positive}))


class Breakers:
    """Makes the protections of a service's dependencies by its settings.

    Each process has breakers of its own: where a service has several processes, each breaker opens by itself, and the
    pid says whose is told of.
    """

    def __init__(
        self,
        service: str,
        settings: ServiceSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service, self._settings, self._clock = service, settings, clock
        self.record: Callable[[BreakerEvent], None] | None = None  # where events go besides the log
        self._all: dict[str, tuple[Breaker, _Watched]] = {}

    def dependency(self, name: str, limit: Limit, probe: Probe) -> Protection:
        """For calls to a dependency: opens after so many failures in a row."""
        settings = self._settings
        rule = Consecutive(settings.circuit_breaker_failure_threshold)
        return self._protection(name, rule, settings.circuit_breaker_recovery_s, limit, probe)

    def service(self, name: str, limit: Limit, probe: Probe) -> Protection:
        """For calls to another service: opens at a share of failures."""
        settings = self._settings
        rule = FailureShare(
            settings.service_breaker_failure_share,
            window_s=settings.service_breaker_window_s,
            minimum=settings.service_breaker_minimum_calls,
        )
        return self._protection(name, rule, settings.circuit_breaker_recovery_s, limit, probe)

    def _protection(self, name: str, rule: Rule, recovery_s: float, limit: Limit, probe: Probe) -> Protection:
        forced = self._settings.circuit_breaker_force_closed
        breaker = Breaker(name, rule, recovery_s=recovery_s, clock=self._clock, force_closed=forced)
        watched = _Watched(breaker, probe, self._tell, self._service)
        breaker.observers.append(watched)
        self._all[name] = breaker, watched
        return Protection(breaker, Bulkhead(name, limit))

    def _tell(self, event: BreakerEvent) -> None:
        told: dict[str, Any] = {
            "breaker": event.breaker,
            "from": event.old_state,
            "to": event.new_state,
            "reason": event.reason,
        }
        if event.false_positive is not None:
            told["false_positive"] = event.false_positive
        log.log(logging.INFO if event.new_state == STATE_CLOSED else logging.WARNING, "breaker", extra=told)
        if self.record:
            self.record(event)

    def router(self) -> APIRouter:
        """`/internal/breakers`: all of them with their recent past; and resetting one."""
        router = APIRouter(prefix="/internal/breakers", tags=["internal"])

        @router.get("")
        async def breakers(request: Request) -> Response:
            """The breakers of the process that answers; times (`at`, `now`) are of its monotonic clock, in seconds.

            Where the service has further processes, `others` are theirs.
            """
            process = {"service": self._service, "pid": os.getpid(), "now": self._clock()}
            told = {**process, "breakers": [_described(*known) for known in self._all.values()]}
            return Json(told | await _others(request))

        @router.post("/{name}/reset")
        async def reset(request: Request, name: str) -> Response:
            """Close a breaker now, in all processes of the service."""
            if name not in self._all:
                raise NotFoundError(f"no breaker is called {name!r}; there are {', '.join(self._all) or 'none'}")
            breaker, watched = self._all[name]
            breaker.reset()
            told = {"service": self._service, "pid": os.getpid(), **_described(breaker, watched)}
            return Json(told | await _others(request))

        return router


async def _others(request: Request) -> dict[str, Any]:
    others = await Siblings.family.others(request)
    return {"others": [orjson.loads(told) for told in others.values()]} if others else {}


def _described(breaker: Breaker, watched: _Watched) -> dict[str, Any]:
    counts = {"trips": watched.trips, "false_positives": watched.false_positives}
    return {**breaker.describe(), **counts, "recent": list(watched.recent)}
