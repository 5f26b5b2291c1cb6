"""What the generator counted, read back from its file while it grows."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from chaos.record import Outcome
from loadtests.mix import OPERATIONS
from loadtests.tally import OUTCOMES, UNIT_S

NAMES = tuple(operation.name for operation in OPERATIONS)


@dataclass
class Second:
    """What was meant for one second of the load, over all generators."""

    started: int = 0
    waited: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # seconds, by operation
    outcomes: dict[str, Counter[Outcome]] = field(default_factory=lambda: defaultdict(Counter))
    late: list[float] = field(default_factory=list)  # seconds


@dataclass
class Samples:
    """All that has been counted. `cpu` has, for each generator, its CPU seconds by the time."""

    seconds: dict[int, Second] = field(default_factory=lambda: defaultdict(Second))
    cpu: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)  # by operation and what was wrong

    @property
    def until(self) -> float:
        """The time to which every generator has told what it counted; 0 before all have begun."""
        return min((told[-1][0] for told in self.cpu.values()), default=0.0)

    def add(self, line: str) -> None:
        """Take in a line that `tally.line` made."""
        sample = json.loads(line)
        self.cpu[sample["generator"]].append((sample["at"], sample["cpu_s"]))
        for at, started, late, waited, outcomes in sample["seconds"]:
            second = self.seconds[at]
            second.started += started
            second.late.extend(units * UNIT_S for units in late)
            for operation, values in waited.items():
                second.waited[NAMES[int(operation)]].extend(units * UNIT_S for units in values)
            for operation, counts in outcomes.items():
                second.outcomes[NAMES[int(operation)]].update(
                    {outcome: count for outcome, count in zip(OUTCOMES, counts, strict=True) if count}
                )
        for operation, why, count in sample["errors"]:
            self.errors[NAMES[operation], why] += count


class Follower:
    """Reads what is appended to a file of samples."""

    def __init__(self, path: Path, samples: Samples) -> None:
        self._path, self._samples, self._at, self._rest = path, samples, 0, ""

    def read(self) -> None:
        """Take in the lines that have been finished since the last time."""
        try:
            with self._path.open() as file:
                file.seek(self._at)
                *lines, self._rest = (self._rest + file.read()).split("\n")
                self._at = file.tell()
        except FileNotFoundError:
            return
        for line in lines:
            self._samples.add(line)


def load(path: Path) -> Samples:
    """The samples of a run that is over; raises OSError where there are none."""
    samples = Samples()
    with path.open() as file:
        for line in file:
            samples.add(line)
    return samples
