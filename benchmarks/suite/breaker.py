"""How fast a breaker notices."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import uuid4

from aiohttp import ClientSession

from benchmarks.benchmark import Bench, benchmark
from benchmarks.figures import Figure, ratio
from chaos.client import Client, session
from chaos.faults import BlackHole, Down, Fault
from chaos.load import Load, distinct
from chaos.openloop import steps
from chaos.operations import GATEWAY, OPERATIONS
from chaos.questions import QUESTIONS
from chaos.stack import Stack
from services.common.ollama import EMBED_ONE_TIMEOUT_S
from services.common.settings import ServiceSettings

THRESHOLD = ServiceSettings.model_fields["circuit_breaker_failure_threshold"].default
RATE = 20.0  # uncached searches a second
EDGE, BREAKER = "query->ollama", "ollama_embedding"
PATIENCE_S = 15.0
CALM_S = 1.0
POLL_S = 0.05


@dataclass(frozen=True)
class _Case:
    """A fault, and how long a call that meets it takes to fail."""

    label: str
    fault: Fault
    fails_s: float


CASES = (
    _Case("refused connections", Down(EDGE), 0.0),
    _Case("silence", BlackHole(EDGE), EMBED_ONE_TIMEOUT_S),
)


@benchmark(stack="proxied")
def breaker(bench: Bench) -> Iterator[Figure]:
    """Seconds from a fault to the open breaker, against the least: so many failures at this rate, each in its time."""
    for case in CASES:
        seen = [asyncio.run(_opens(bench.stack, case)) for _ in range(2 if bench.effort.quick else 5)]
        took, least = ([getattr(one, name) for one in seen] for name in ("took_s", "least_s"))
        parts = {"s: until it is open": median(took), "s: the least": median(least)}
        yield ratio(f"{case.label}: time to open / the least", took, least, better="lower", parts=parts)
        yield Figure(f"{case.label}: time to open", "s", tuple(took), "lower")


@dataclass(frozen=True)
class _Opened:
    took_s: float
    least_s: float


async def _opens(stack: Stack, case: _Case) -> _Opened:
    clock, asks = time.monotonic, distinct(OPERATIONS["search"], QUESTIONS, run=uuid4().hex[:6])
    async with session() as opened:
        client = Client(opened, {GATEWAY: stack.gateway}, token=stack.token(), clock=clock, patience_s=PATIENCE_S)
        async with Load(steps(RATE, begin=clock()), asks, client.ask, clock=clock):
            await asyncio.sleep(CALM_S)
            saved = case.fault.prepare(stack)
            broke = clock()
            try:
                await asyncio.to_thread(case.fault.inject, stack, saved)
                async with asyncio.timeout(PATIENCE_S):
                    at = await _open_since(opened, stack, broke)
            finally:
                await asyncio.to_thread(case.fault.heal, stack, saved)
        await _close(opened, stack)
    return _Opened(at - broke, (THRESHOLD - 1) / RATE + case.fails_s)


async def _open_since(opened: ClientSession, stack: Stack, since: float) -> float:
    """When the breaker opened, by the service's clock, which is the machine's monotonic one as ours is."""
    while True:
        described = await _breaker(opened, stack)
        for event in described["recent"]:
            if event["event"] == "open" and event["at"] > since:
                return float(event["at"])
        await asyncio.sleep(POLL_S)


async def _close(opened: ClientSession, stack: Stack) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await _breaker(opened, stack))["state"] != "closed":
            url = f"{stack.url('query')}/internal/breakers/{BREAKER}/reset"
            async with opened.post(url, headers={"X-Service-Token": stack.service_token}) as answer:
                answer.raise_for_status()


async def _breaker(opened: ClientSession, stack: Stack) -> dict[str, Any]:
    url = f"{stack.url('query')}/internal/breakers"
    async with opened.get(url, headers={"X-Service-Token": stack.service_token}) as answer:
        told = await answer.json()
    found: dict[str, Any] = next(one for one in told["breakers"] if one["name"] == BREAKER)
    return found
