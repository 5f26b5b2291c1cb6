"""An experiment: good, then break, then still good or honestly degraded, then heal, then good again.

    @experiment("breakers", "fallback")
    async def test_the_model_goes_away(e: Experiment) -> None:
        \"\"\"What it shows, in a line: its title on the scorecard.\"\"\"
        async with e.load(asks, rate=20):
            await e.lasts(2)
            async with e.broken(Down("query->ollama")):
                await e.lasts(5)
            await e.recovered()
        e.check(steady_state(e.requests, ...))

Every check's finding goes to the record; the test passes only where all of them passed.
"""

import asyncio
import inspect
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from itertools import count
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from aiohttp import ClientError, ClientSession
from psycopg import OperationalError

from chaos.checkers.breaker_events import BreakerEvent, told
from chaos.client import Client, session
from chaos.design import DESIGN
from chaos.faults import Fault
from chaos.ledger import Ledger
from chaos.load import Load
from chaos.observe import Observer
from chaos.openloop import steps
from chaos.operations import OPERATIONS, Ask
from chaos.questions import QUESTIONS
from chaos.record import GOOD, Finding, Request, Result, Verdict, Window, save_result
from chaos.suite import SERVICES, Suite
from infra.probes.metrics import Snapshot

PATIENCE_S = 30.0  # of a caller; longer than every deadline of the contract that an experiment waits for
READY_S = 60.0  # for the stack to be well before the experiment, after whatever the last one did
SETTLED = 10  # good answers in a row after which callers are served again
POLL_S = 0.1
OBSERVED_PER_S = 2.0

NOT_THERE = (OSError, ClientError, OperationalError)
"""What a part of the stack is met with that starts again: it does not answer yet."""

LOOKS = {"query": "search", "rag-service": "documents", "collections": "collections", "ingestion": "jobs"}
"""What shows that the gateway, which trusts a service again seconds after it was away, serves each."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """An experiment as the catalogue and the scorecard name it; `proves` are keys of `chaos.design.DESIGN`."""

    name: str
    title: str
    proves: tuple[str, ...]


@dataclass(frozen=True)
class Described:
    """What a test's function says of itself, its parameters left open."""

    function: str
    title: str
    proves: tuple[str, ...]

    def __post_init__(self) -> None:
        if unknown := set(self.proves) - set(DESIGN):
            raise ValueError(f"{self.function} proves {', '.join(unknown)}, which the design does not name")

    def entry(self, values: Mapping[str, Any]) -> Entry:
        """With the test's parameters."""
        words = [self.function.removeprefix("test_"), *map(str, values.values())]
        return Entry("-".join(words).replace("_", "-"), self.title.format_map(values), self.proves)


class NotReadyError(RuntimeError):
    """The stack is not well enough to begin with; the message says what is wrong."""


_NUMBERS = count()
TRIES = 3


class Experiment:
    """What a test does to the stack, sees of it and finds; open for the time of an `async with`."""

    def __init__(self, suite: Suite, entry: Entry) -> None:
        self.suite = suite
        self.stack = suite.stack
        self.entry = entry
        self._number = next(_NUMBERS)
        self.findings: list[Finding] = []
        self.session: ClientSession
        self.client: Client
        self._finished: list[Request] = []
        self._running: list[Load] = []
        self._open = AsyncExitStack()

    def now(self) -> float:
        """Seconds since the experiment began."""
        return time.monotonic() - self._began

    @property
    def unique(self) -> str:
        """What no other try has: questions with it in them are known to no cache."""
        return f"{self.suite.run.id}-{self._number}"

    @property
    def requests(self) -> list[Request]:
        """Those of all loads that have ended so far."""
        return [*self._finished, *(request for load in self._running for request in load.requests)]

    @property
    def windows(self) -> list[Window]:
        """The faults so far, those that are over."""
        return self._ledger.windows

    async def __aenter__(self) -> Self:
        self._began, self._began_at = time.monotonic(), datetime.now(UTC)
        self._ledger = Ledger(self.stack, self.now)
        self.session = await self._open.enter_async_context(session())
        doors = {name: self.stack.url(name) for name in ("kong", *SERVICES)}
        token = self.stack.token(self.suite.consumer)
        self.client = Client(self.session, doors, token=token, clock=self.now, patience_s=PATIENCE_S)
        self._observer = Observer(self.session, self.suite.observed, clock=self.now, rate=OBSERVED_PER_S)
        await self._open.enter_async_context(self._observer)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            said = traceback.format_exception_only(error)[-1].strip()
            self.findings.append(Finding("experiment", Verdict.UNKNOWN, f"it broke off: {said}"))
        await self._open.aclose()
        save_result(self.suite.folder, self.result())

    def result(self) -> Result:
        """The experiment as it went so far."""
        return Result(
            self.entry.name,
            self.entry.title,
            self.entry.proves,
            self._began_at,
            self.now(),
            tuple(sorted(self.requests, key=lambda request: request.intended)),
            tuple(self._ledger.windows),
            tuple(self._observer.samples),
            tuple(self.findings),
            self._ledger.clean_up(),
        )

    # Acting

    async def ready(self) -> None:
        """Close every breaker by hand and wait until the stack is well; raises NotReadyError."""
        deadline = time.monotonic() + READY_S
        while trouble := await self._trouble():
            if time.monotonic() > deadline:
                raise NotReadyError(f"the stack is not well: {'; '.join(trouble)}")
            await asyncio.sleep(POLL_S)

    async def _trouble(self) -> list[str]:
        unhealthy = await asyncio.to_thread(self.suite.unhealthy)
        if unhealthy:
            return unhealthy
        try:
            await self.reset_breakers()
        except NOT_THERE as error:
            return [f"a service does not answer: {error}"]
        asks = {service: self.client.ask(0, self.ask(operation), self.now()) for service, operation in LOOKS.items()}
        answers = zip(asks, await asyncio.gather(*asks.values()), strict=True)
        return [
            f"{service} answers {seen.outcome} by the gateway" for service, seen in answers if seen.outcome not in GOOD
        ]

    def ask(self, operation: str, **values: str) -> Ask:
        """A request of that kind; a question where none is given."""
        return Ask(OPERATIONS[operation], {"question": QUESTIONS[0], **values})

    def note(self, request: Request) -> None:
        """Put a request on the record that was made outside of a load."""
        self._finished.append(request)

    @asynccontextmanager
    async def load(self, asks: Iterator[Ask], *, rate: float, seed: int | None = None) -> AsyncIterator[Load]:
        """Requests at `rate` a second from now on, each at its time whatever became of the others."""
        times = steps(rate, begin=self.now(), jitter=0.5, seed=self.suite.run.seed if seed is None else seed)
        load = Load(times, asks, self.client.ask, clock=self.now, grace_s=PATIENCE_S)
        self._running.append(load)
        try:
            async with load:
                yield load
        finally:
            self._running.remove(load)
            self._finished += load.requests

    @asynccontextmanager
    async def broken(self, *faults: Fault) -> AsyncIterator[None]:
        """Have the faults in force, one after the other, inside the block; healed after it, come what may."""
        async with AsyncExitStack() as injected:
            for fault in faults:
                await injected.enter_async_context(_in_thread(self._ledger.injected(fault)))
            yield

    async def healthy(self) -> bool:
        """Whether every component is."""
        return not await asyncio.to_thread(self.suite.unhealthy)

    async def lasts(self, seconds: float) -> None:
        """Let the load run."""
        await asyncio.sleep(seconds)

    async def until(self, condition: Callable[[], Awaitable[object]], within_s: float) -> float | None:
        """Seconds until `condition` held; None where it did not within `within_s`.

        It does not hold while what it asks is NOT_THERE: parts of the stack restart under some faults.
        """
        began = time.monotonic()

        async def holds() -> bool:
            try:
                return bool(await condition())
            except NOT_THERE:
                return False

        while not await holds():
            if time.monotonic() - began > within_s:
                return None
            await asyncio.sleep(POLL_S)
        return time.monotonic() - began

    async def recovered(self, *, within_s: float | None = None) -> float | None:
        """Seconds until callers are served and every breaker is closed again; None where that took too long.

        With the real 30 s to recover, breakers are closed by hand, except in the experiments that are about recovery
        (`within_s`): thirty waits of half a minute would prove one thing thirty times.
        """
        healed = self.now()
        by_hand = within_s is None and not self.suite.quick

        async def settled() -> bool:
            # What was asked during the fault may still fail, and open a breaker.
            if any(load.oldest is not None and load.oldest < healed for load in self._running):
                return False
            if by_hand and await self.open_breakers():
                await self.reset_breakers()
            return await self._settled()

        return await self.until(settled, within_s or self.suite.recovery_s + 15)

    async def _settled(self) -> bool:
        return await self.served() and not await self.open_breakers()

    async def served(self) -> bool:
        """Whether the last answers were all good ones."""
        lately = sorted(self.requests, key=lambda request: request.ended)[-SETTLED:]
        return len(lately) == SETTLED and all(request.outcome in GOOD for request in lately)

    async def serves(self, operation: str) -> bool:
        """Whether a request of that kind, off the record, is answered well now."""
        return (await self.client.ask(0, self.ask(operation), self.now())).outcome in GOOD

    # Looking

    async def snapshot(self) -> Snapshot:
        """What the services have counted so far."""
        return await self._observer.snapshot()

    async def breakers(self, service: str = "query") -> dict[str, Any]:
        """What `/internal/breakers` tells."""
        async with self._internal("GET", service, "/internal/breakers") as answer:
            document: dict[str, Any] = await answer.json()
            return document

    async def breaker(self, name: str, service: str = "query") -> dict[str, Any]:
        """What a service tells of one of its breakers; raises KeyError for one that it does not have."""
        known = {breaker["name"]: breaker for breaker in (await self.breakers(service))["breakers"]}
        found: dict[str, Any] = known[name]
        return found

    async def breaker_history(self, service: str = "query") -> dict[str, list[BreakerEvent]]:
        """The past of each breaker of a service, as far as it is told."""
        return told(await self.breakers(service))

    async def open_breakers(self) -> list[str]:
        """Those of all services that are not closed; raises ClientError where a service is not there to tell."""
        return [
            f"{document['service']}/{breaker['name']}"
            for document in await asyncio.gather(*map(self.breakers, SERVICES))
            for breaker in document["breakers"]
            if breaker["state"] != "closed"
        ]

    async def reset_breakers(self) -> bool:
        """Close every breaker by hand; whether all are. Raises ClientError where a service is not there to be told."""
        for service in SERVICES:
            for breaker in (await self.breakers(service))["breakers"]:
                async with self._internal("POST", service, f"/internal/breakers/{breaker['name']}/reset") as answer:
                    answer.raise_for_status()
        return not await self.open_breakers()

    def _internal(self, method: str, service: str, path: str) -> Any:
        headers = {"X-Service-Token": self.stack.service_token}
        return self.session.request(method, self.stack.url(service) + path, headers=headers)

    # Judging

    def check(self, finding: Finding) -> None:
        """Put a checker's finding on the record."""
        self.findings.append(finding)

    def expect(self, check: str, holds: bool, said: str, **evidence: Any) -> None:
        """Put on the record whether something that the experiment saw is as it must be."""
        self.findings.append(Finding(check, Verdict.PASSED if holds else Verdict.FAILED, said, evidence))


def _trouble(result: Result) -> list[str]:
    clean_up = result.clean_up
    healed = clean_up.verdict is Verdict.PASSED
    return [*result.trouble, *([] if healed else [f"clean-up {clean_up.verdict}: {clean_up.said}"])]


@asynccontextmanager
async def _in_thread(context: AbstractContextManager[T]) -> AsyncIterator[T]:
    """A context that blocks, entered and left without holding up the load."""
    value = await asyncio.to_thread(context.__enter__)
    try:
        yield value
    except BaseException as error:
        if not await asyncio.to_thread(context.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await asyncio.to_thread(context.__exit__, None, None, None)


def _told_nothing(result: Result) -> bool:
    return result.verdict is Verdict.UNKNOWN and result.clean_up.verdict is Verdict.PASSED


def experiment(
    *proves: str,
) -> Callable[[Callable[Concatenate[Experiment, P], Awaitable[None]]], Callable[..., Awaitable[None]]]:
    """Make a test of an experiment's body; `proves` are keys of `chaos.design.DESIGN`.

    The body gets the experiment when the stack is well. The test fails unless every finding passed and all was healed.
    Where a try leaves unknown what it was to prove (the load came late, the body broke off), there is another one, of
    `TRIES` in all, and the record says so; what has failed has failed.
    """

    def decorate(body: Callable[Concatenate[Experiment, P], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        described = Described(body.__name__, (body.__doc__ or "").strip().partition("\n")[0], proves)
        signature = inspect.signature(body)
        own, *parameters = signature.parameters.values()
        fixture = own.replace(name="suite", annotation=Suite)

        @wraps(body)
        async def test(suite: Suite, *args: P.args, **kwargs: P.kwargs) -> None:
            async def tried(*notes: Finding) -> Result:
                one = Experiment(suite, described.entry(kwargs))
                with suppress(Exception):  # it is on the record
                    async with one:
                        await one.ready()
                        await body(one, *args, **kwargs)
                        if one.findings:  # or nothing was checked, and notes must not hide it
                            one.findings += notes
                return one.result()

            result, notes = await tried(), list[Finding]()
            while len(notes) + 1 < TRIES and _told_nothing(result):
                said = "; ".join(_trouble(result)) or "nothing was checked"
                notes.append(Finding("another-try", Verdict.PASSED, f"the one before told nothing: {said}"))
                result = await tried(*notes)
            trouble = _trouble(result)
            assert result.verdict is Verdict.PASSED, "; ".join(trouble) or "nothing was checked"
            assert not trouble, trouble

        test.described = described  # type: ignore[attr-defined]  # for the catalogue
        test.__signature__ = signature.replace(parameters=[fixture, *parameters])  # type: ignore[attr-defined]  # pytest looks there
        return test

    return decorate
