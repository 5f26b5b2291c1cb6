"""Rollouts of the stack under test, as its user starts them: by the command, in a process that can be killed."""

import asyncio
import math
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chaos.experiment import Experiment
from chaos.operations import Ask
from chaos.record import GOOD, Request
from chaos.traffic import traffic
from infra.rollout import journal, releases, state
from infra.rollout.deployment import Desired, RolloutError, said_of
from infra.rollout.journal import Action
from infra.rollout.pulumi_deployment import PulumiDeployment
from infra.rollout.releases import Release
from infra.rollout.state import State
from infra.settings import PROJECT_ROOT

MIX = {"cached": 3, "search": 2, "collection-stats": 5, "documents": 3, "jobs": 3}
"""What the load asks while a release is rolled out: of every service, by breakers too, and nothing that takes long."""
RATE = 30.0  # requests a second: a canary's first tenth is a sample in half a minute

BAKE_S = 10.0  # of a step; `EXTENSIONS` times as long again where the load needs it for the triggers' samples
EXTENSIONS = 8
LONGEST_S = 540.0  # of one command, within the limit of the experiments that start one
POLL_S = 0.02
SIGMAS = 4  # of a share that was drawn by chance: one run of 30,000 has more


def callers(e: Experiment) -> Iterator[Ask]:
    """What the load of an experiment with a rollout asks."""
    return traffic(MIX, run=e.unique, seed=e.suite.run.seed)


@dataclass(frozen=True)
class Ended:
    """A command of a rollout that is over."""

    code: int
    said: str

    def __str__(self) -> str:
        return f"exit {self.code}: …{self.said[-300:]}"


class Rollout:
    """The command while it runs, in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said = asyncio.create_task(self._read())

    @classmethod
    async def begun(cls, stack: str, *words: str) -> "Rollout":
        """`breakwater rollout WORDS` on the stack; it does not outlive the suite."""
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig=KILL"),
            *(sys.executable, "-m", "infra.cli", "rollout", *words, "--stack", stack),
            cwd=PROJECT_ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return cls(process)

    async def _read(self) -> str:
        assert self._process.stdout
        return (await self._process.stdout.read()).decode(errors="replace")

    async def ended(self) -> Ended:
        """Wait for its end; killed, it counts as an end, too. Raises TimeoutError after LONGEST_S."""
        async with asyncio.timeout(LONGEST_S):
            code = await self._process.wait()
            return Ended(code, await self._said)

    async def killed_when(self, holds: Callable[[], bool], *, then_s: float) -> bool:
        """Kill its process (SIGKILL), and nothing that it has started, `then_s` seconds after `holds`.

        Returns whether it had not ended by then.
        """
        async with asyncio.timeout(LONGEST_S):
            while self._process.returncode is None and not holds():  # noqa: ASYNC110 - it is on the disk
                await asyncio.sleep(POLL_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(then_s):
                await self._process.wait()
                return False
        self._process.kill()
        await self._process.wait()
        return True

    def kill(self) -> None:
        """Have it end without a last word."""
        if self._process.returncode is None:
            self._process.kill()


def last(stack: str) -> State | None:
    """The newest rollout of the stack."""
    try:
        return next(reversed(state.rollouts(stack)), None)
    except RolloutError:  # its file is not there yet
        return None


class Rollouts:
    """Begins rollouts of a stack, one after another."""

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self.prepared: list[Release] = []
        self.begun: list[Rollout] = []

    async def begin(self, make: Callable[[Path], Path], *words: str) -> Rollout:
        """One of what `make` puts into a folder."""
        with tempfile.TemporaryDirectory() as folder:
            release = await asyncio.to_thread(lambda: releases.prepare(str(make(Path(folder) / "new"))))
        self.prepared.append(release)
        options = ("--bake", str(BAKE_S), "--extensions", str(EXTENSIONS))
        rollout = await Rollout.begun(self._stack, "--release", release.name, *options, *words)
        self.begun.append(rollout)
        return rollout


@asynccontextmanager
async def rollouts(stack: str) -> AsyncIterator[Rollouts]:
    """Have the stack be what it was before, at the end, with whatever that takes, and the releases gone."""
    deployment = PulumiDeployment(stack)
    before, them = deployment.desired(), Rollouts(stack)
    try:
        yield them
    finally:
        for rollout in them.begun:
            rollout.kill()
        if state.unfinished(stack):
            await (await Rollout.begun(stack, "abort")).ended()
        if deployment.desired() != before:
            await asyncio.to_thread(deployment.apply, before)
            await asyncio.to_thread(deployment.migrate_back, them.prepared[-1].name)
        for release in them.prepared:
            shutil.rmtree(release.path)


@asynccontextmanager
async def rolled(stack: str, make: Callable[[Path], Path], *words: str) -> AsyncIterator[Rollout]:
    """One rollout, and the stack as before at the end."""
    async with rollouts(stack) as them:
        yield await them.begin(make, *words)


def exposed(found: State) -> tuple[float, float] | None:
    """From when to when callers may have met the candidate, in seconds since 1970; None where none did."""
    plan = found.plan
    serving = {
        said_of(Desired(plan.before.release, plan.release, s.weights)) for s in plan.steps if any(s.weights.values())
    }
    lines = journal.read(state.folder_of(plan))
    began = [line.at for line in lines if isinstance(line.entry, Action) and line.entry.what in serving]
    return (min(began), lines[-1].at) if began else None


def failed(requests: Iterable[Request]) -> list[Request]:
    """Those whose callers did not get what they asked for."""
    return [request for request in requests if request.outcome not in GOOD]


def at_most(requests: int, share: float) -> int:
    """How many of them hit a candidate with that share of the traffic, the chance of it included."""
    return math.ceil(requests * share + SIGMAS * math.sqrt(requests * share * (1 - share)))
