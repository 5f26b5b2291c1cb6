"""Puts each sabotage into a stack, runs the experiment that must notice it, and tells whether it did."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from pydantic import TypeAdapter
from rich.console import Console

from chaos.catalogue import experiments
from chaos.faults import FaultNotInForceError
from chaos.ledger import Ledger
from chaos.record import RESULT, Result, Verdict, save_run
from chaos.sabotage.sabotage import Sabotage
from chaos.sabotage.table import TABLE
from chaos.suite import Suite
from infra.pages.text import duration, plural, printable

READY_S = 60.0  # for a healed component to be well again
POLL_S = 0.2
CONTROL = "control"

Experiments = Mapping[str, Callable[[Suite], Awaitable[None]]]


@dataclass(frozen=True)
class Trial:
    """An experiment on a sabotaged stack, or, as the control, on a healthy one."""

    sabotage: str
    experiment: str
    verdict: Verdict
    right: bool  # noticed by the check that must; of the control: passed
    check: str  # the one that must notice
    said: str  # by that check, or by those that noticed something else
    healed: str  # what is wrong with the clean-up, else nothing
    seconds: float


TRIALS = TypeAdapter(list[Trial])


def chosen(words: Sequence[str]) -> list[Sabotage]:
    """The sabotages whose names contain one of the words; all without any."""
    return [one for one in TABLE if not words or any(word in one.name for word in words)]


def run(suite: Suite, wanted: Sequence[Sabotage]) -> bool:
    """Whether the healthy stack passes and every sabotage is noticed; `sabotage.json` tells, beside all records."""
    known = experiments()
    console = Console(highlight=False)
    sabotages = [one for one in wanted if one.possible(suite.stack)]
    for one in wanted:
        if one not in sabotages:
            console.print(
                f"{one.name:31} left out: {one.component} is {suite.run.stack[one.component]}", style="yellow"
            )
    trials: list[Trial] = []
    for experiment in dict.fromkeys(one.experiment for one in sabotages):
        trials.append(_control(suite, experiment, known))
        _tell(console, trials[-1])
    for one in sabotages:
        trials.append(_sabotaged(suite, one, known))
        _tell(console, trials[-1])
    _wait_until_well(suite)
    (suite.folder / "sabotage.json").write_bytes(TRIALS.dump_json(trials, indent=2))
    wrong = [trial for trial in trials if not trial.right or trial.healed]
    took = duration(sum(trial.seconds for trial in trials))
    console.print(f"{plural(len(sabotages), 'sabotage')}, {len(wrong)} trials not as they must be; {took}")
    console.print(f"{suite.folder / 'sabotage.json'}", style="dim", markup=False)
    return not wrong


def _control(suite: Suite, experiment: str, known: Experiments) -> Trial:
    began = time.monotonic()
    result = _conduct(_inside(suite, CONTROL), experiment, known)
    return _trial(CONTROL, result, result.verdict is Verdict.PASSED, "", began)


def _sabotaged(suite: Suite, one: Sabotage, known: Experiments) -> Trial:
    began = time.monotonic()
    ledger = Ledger(suite.stack, lambda: time.monotonic() - began)
    try:
        with ledger.injected(one.fault(suite.stack)):
            result = _conduct(_inside(suite, one.name), one.experiment, known)
    except FaultNotInForceError as error:
        seconds = time.monotonic() - began
        return Trial(one.name, one.experiment, Verdict.UNKNOWN, False, one.check, f"not put in: {error}", "", seconds)
    noticed = one.noticed(result)
    trial = _trial(one.name, result, noticed is not None, one.check, began)
    trial = replace(trial, said=noticed.said) if noticed else trial
    return replace(trial, healed="; ".join(filter(None, [trial.healed, *ledger.problems])))


def _inside(suite: Suite, name: str) -> Suite:
    """A run of its own in the folder of the whole, so that it has a scorecard, too."""
    folder = suite.folder / name
    made = replace(suite.run, id=f"{suite.run.id}/{name}", settings={**suite.run.settings, "sabotage": name})
    save_run(folder, made)
    return replace(suite, run=made, folder=folder)


def _conduct(suite: Suite, experiment: str, known: Experiments) -> Result:
    with suppress(Exception):  # whatever it raises, its record says it
        asyncio.run(_awaited(known[experiment](suite)))
    return RESULT.validate_json((suite.folder / f"{experiment}.result.json").read_bytes())


async def _awaited(experiment: Awaitable[None]) -> None:
    await experiment


def _trial(name: str, result: Result, right: bool, check: str, began: float) -> Trial:
    healed = "" if result.clean_up.verdict is Verdict.PASSED else result.clean_up.said
    seconds = time.monotonic() - began
    return Trial(name, result.name, result.verdict, right, check, "; ".join(result.trouble), healed, seconds)


def _tell(console: Console, trial: Trial) -> None:
    passed = "green" if trial.right else "bold red"
    how = trial.check if trial.right else trial.said
    line = f"{trial.sabotage:31} {trial.experiment:58} {trial.verdict:8} {how} {trial.healed}"
    console.print(printable(line), style=passed, markup=False, soft_wrap=True)


def _wait_until_well(suite: Suite) -> None:
    deadline = time.monotonic() + READY_S
    while suite.unhealthy() and time.monotonic() < deadline:
        time.sleep(POLL_S)
