"""What the generator is told, as a file or a message: everything that it needs on whatever machine it runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from loadtests.shapes import Stage

VARIABLE = "BREAKWATER_LOAD_PLAN"
"""The environment variable that names the plan's file."""

HELD_S = 0.25  # so long an answer may take, on average, before starts come late: five times the p95 that is promised
FEWEST, MOST = 64, 2000  # slots


@dataclass(frozen=True)
class Plan:
    """A load. Each of the `slots` makes one request at a time, on one connection."""

    run: str
    url: str  # scheme, host and port
    tokens: Sequence[str] = field(repr=False)
    mix: str
    stages: Sequence[Stage]
    slots: int
    samples: str  # the file to which the generator, or its master, writes what it counts
    generators: int = 1
    shown: bool = False  # on Locust's own page

    def message(self) -> dict[str, Any]:
        """The plan as Locust sends it from the master to its workers."""
        made: dict[str, Any] = PLAN.dump_python(self, mode="json")
        return made

    def save(self, path: Path) -> None:
        """Write it where only this user reads it: it holds tokens."""
        path.touch(mode=0o600)
        path.write_bytes(PLAN.dump_json(self))


PLAN = TypeAdapter(Plan)


def slots(stages: Sequence[Stage]) -> int:
    """How many requests may be under way at once."""
    peak = max(max(stage.begin, stage.end) for stage in stages)
    return min(MOST, max(FEWEST, ceil(peak * HELD_S)))
