"""What the generator counts, in the second for which each request was meant: little work for each, and exact times.

Locust's own statistics round to two digits; they serve its page only.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.record import Outcome

OUTCOMES = tuple(Outcome)
UNIT_S = 1e-5  # of the times in a sample: whole numbers are short to write and quick to read
LATE_S = 0.001  # starts later than this are noted


@dataclass
class Second:
    """What was meant for one second. `late` are the starts that had a free slot and came late all the same."""

    started: int = 0  # in this second, whenever they were meant to
    waited: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))  # by operation, in UNIT_S
    outcomes: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * len(OUTCOMES)))
    late: list[int] = field(default_factory=list)


class Tally:
    """Counts; `drain` hands over what has come since the last time."""

    def __init__(self) -> None:
        self._seconds: dict[int, Second] = defaultdict(Second)
        self._errors: Counter[tuple[int, str]] = Counter()

    def started(self, at: float, late: float | None) -> None:
        """A request starts; `late` by so much, None where no slot was free in time."""
        second = self._seconds[int(at)]
        second.started += 1
        if late is not None and late > LATE_S:
            second.late.append(int(late / UNIT_S))

    def ended(self, operation: int, intended: float, seconds: float, outcome: int) -> None:
        """A request has ended, `seconds` after it was meant to start; `outcome` is its place in OUTCOMES."""
        second = self._seconds[int(intended)]
        second.waited[operation].append(int(seconds / UNIT_S))
        second.outcomes[operation][outcome] += 1

    def wrong(self, operation: int, why: str) -> None:
        """Note why a request was not answered well."""
        self._errors[operation, why] += 1

    def drain(self) -> dict[str, Any]:
        """What has been counted since the last time, fit for JSON."""
        seconds, self._seconds = self._seconds, defaultdict(Second)
        errors, self._errors = self._errors, Counter()
        return {
            "seconds": [
                [at, each.started, each.late, _text(each.waited), _text(each.outcomes)] for at, each in seconds.items()
            ],
            "errors": [[operation, why, count] for (operation, why), count in errors.items()],
        }


def _text(by_operation: Mapping[int, list[int]]) -> dict[str, list[int]]:
    return {str(operation): values for operation, values in by_operation.items()}


def line(generator: str, at: float, cpu_s: float, drained: Mapping[str, Any]) -> str:
    """A sample as a line of the file: which generator, its seconds since the load began, its CPU time so far."""
    return json.dumps({"generator": generator, "at": at, "cpu_s": cpu_s, **drained}, separators=(",", ":")) + "\n"
