"""What the two runs of the report record: plain data, from which the page and its charts are made."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from chaos.record import Outcome, Request

BUSY = 0.1  # of the processors, in use before a stack is brought up: others are at work


class Answer(NamedTuple):
    """One request as it went; times are seconds, `at` since its phase began."""

    operation: str  # search or question
    repeated: bool  # it asked what had been asked before, so a cache may know it
    at: float  # when it was meant to start
    late: float  # how much later it started
    seconds: float  # from when it was meant to start to the end of the answer
    outcome: Outcome


@dataclass(frozen=True)
class Slot:
    """A fault and the rest after it, in seconds since the schedule began; `fault` is as `chaos.faults` writes it."""

    letter: str
    says: str
    hits: str  # the part of the stack that is away
    fault: Mapping[str, Any]
    begin: float
    heal: float
    end: float


@dataclass(frozen=True)
class Plan:
    """What is done to each of the two stacks, the same to both."""

    seed: int
    requests: int  # of each kind, one after the other
    rate: float  # requests a second under load, without and with faults
    load_s: float  # how long without
    slots: tuple[Slot, ...]

    @property
    def schedule_s(self) -> float:
        """How long the faults take in all."""
        return max((slot.end for slot in self.slots), default=0.0)


class Trips(NamedTuple):
    """How often breakers opened, and how often of these an independent probe of the dependency succeeded."""

    all: int
    false: int


@dataclass
class Found:
    """What measuring a stack has found."""

    attempts_ms: dict[str, float] = field(default_factory=dict)  # of searches one by one, at each dependency: the mean
    alone: list[Answer] = field(default_factory=list)
    loaded: list[Answer] = field(default_factory=list)
    faulted: list[Answer] = field(default_factory=list)
    trips: list[Trips | None] = field(default_factory=list)  # in each slot; None: they could not be read
    trouble: list[str] = field(default_factory=list)  # faults that were not in force, or not healed


@dataclass(frozen=True)
class Measured:
    """One of the two stacks."""

    settings: Mapping[str, Any]
    runs: Mapping[str, str]  # each component and the program that ran
    busy: float  # the share of the processors, 0 to 1, that others used just before
    start_s: float  # from nothing to an answered question
    memory_mb: Mapping[str, int]  # of each component, idle
    found: Found


@dataclass(frozen=True)
class Report:
    """Both stacks, and under which conditions they were measured."""

    began_at: datetime
    machine: Mapping[str, str]  # as `benchmarks.machine` describes it
    commit: str
    quick: bool
    plan: Plan
    before: Measured
    after: Measured

    @property
    def disturbed(self) -> list[str]:
        """The stacks during whose measurement others were at work, as far as could be seen before it."""
        return [name for name, stack in (("before", self.before), ("after", self.after)) if stack.busy > BUSY]


_REPORT = TypeAdapter(Report)
_DIGITS = 5  # of a second: 10 µs


def answer(request: Request, began: float) -> Answer:
    """What is kept of a request of a phase that began at `began`."""
    figures = (request.intended - began, request.started - request.intended, request.seconds)
    at, late, seconds = (round(figure, _DIGITS) for figure in figures)
    return Answer(request.operation, bool(request.about.get("repeated")), at, late, seconds, request.outcome)


def save(path: Path, report: Report) -> None:
    """Write the report as packed JSON, a request to an array; the same report makes the same file."""
    path.write_bytes(gzip.compress(_REPORT.dump_json(report), mtime=0))


def load(path: Path) -> Report:
    """The report that `save` wrote; raises OSError, or pydantic's ValidationError for another file."""
    return _REPORT.validate_json(gzip.decompress(path.read_bytes()))
