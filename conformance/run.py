"""Makes the checks one after the other, and keeps what became of each."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Literal

from conformance.check import Check, NonconformingError, NotApplicableError
from conformance.checks import vectors
from conformance.sample import Sample
from conformance.stack import Stack

Verdict = Literal["ok", "FAILED", "not applicable"]


@dataclass(frozen=True)
class Result:
    """What became of a check; `reason` is empty where it is ok."""

    group: str
    name: str
    verdict: Verdict
    seconds: float
    reason: str = ""


def run(stack: Stack, tell: Callable[[Result], None], *, groups: Iterable[ModuleType], only: str = "") -> list[Result]:
    """The results of the checks that have `only` in their group's name and theirs; each is told as it ends.

    What the checks made is removed at the end, however that comes. Raises ConformanceError where they cannot go on.
    """
    sample, results = Sample(stack), list[Result]()

    def make(group: str, check: Check) -> None:
        results.append(outcome(group, check))
        tell(results[-1])

    try:
        for group, check in chosen(stack, sample, groups, only):
            make(group, check)
    finally:
        if sample.is_there:
            make("end", Check("nothing is left of what the checks made", partial(vectors.remove, stack, sample)))
    return results


def chosen(stack: Stack, sample: Sample, groups: Iterable[ModuleType], only: str) -> Iterator[tuple[str, Check]]:
    """Group and check of those that are asked for."""
    for module in groups:
        group = module.__name__.rpartition(".")[2]
        for check in module.checks(stack, sample):
            if only.lower() in f"{group}: {check.name}".lower():
                yield group, check


def outcome(group: str, check: Check) -> Result:
    """What becomes of the check. An answer of another shape than expected is a failure, not a defect of the check."""
    started = time.monotonic()
    verdict, reason = _verdict(check)
    return Result(group, check.name, verdict, time.monotonic() - started, reason)


def _verdict(check: Check) -> tuple[Verdict, str]:
    try:
        check.act()
    except NotApplicableError as error:
        return "not applicable", str(error)
    except NonconformingError as error:
        return "FAILED", str(error)
    except (LookupError, TypeError, ValueError) as error:
        return "FAILED", f"an answer of another shape than expected: {error!r}"
    return "ok", ""
