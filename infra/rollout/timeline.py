"""A rollout over time, worked out from its journal before anything is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, nan

from infra.pages.text import duration
from infra.rollout.journal import Conclusion, Line, Look
from infra.rollout.measurements import Traffic
from infra.rollout.words import error_share, p95_s

Course = Sequence[tuple[float, float]]
"""Seconds since the rollout began, with a value; not a number where there is none, so that a line is broken there."""


@dataclass(frozen=True)
class Timeline:
    """Everything that the chart shows."""

    seconds: float
    weights: dict[str, Course]  # percent, by service
    errors: dict[str, Course]  # share, by release
    latency: dict[str, Course]  # p95 in seconds, by release
    triggers: dict[str, tuple[Course, Course]]  # value and bound
    conclusions: Sequence[tuple[float, str]]

    @classmethod
    def of(cls, lines: Sequence[Line], began_at: float) -> "Timeline":
        """The timeline of a journal."""
        looks = [(line.at - began_at, line.entry) for line in lines if isinstance(line.entry, Look)]
        services = sorted({service for _, look in looks for service in look.weights})
        names = list(dict.fromkeys(each.trigger for _, look in looks for each in look.judgements))
        return cls(
            seconds=max([line.at - began_at for line in lines], default=0.0) or 1.0,
            weights={name: [(at, look.weights.get(name, 0)) for at, look in looks] for name in services},
            errors=_releases(looks, error_share),
            latency=_releases(looks, p95_s),
            triggers={name: _trigger(looks, name) for name in names},
            conclusions=[(line.at - began_at, line.entry.what) for line in lines if isinstance(line.entry, Conclusion)],
        )

    def in_words(self) -> str:
        """What the chart shows, for who cannot see it."""
        said = [f"A rollout of {duration(self.seconds)}."]
        for what, courses, unit in (("error rate", self.errors, "{:.1%}"), ("p95", self.latency, "{:.3f} s")):
            for release, course in courses.items():
                known = [value for _, value in course if isfinite(value)]
                if known:
                    said.append(f"The {release}'s highest {what} is {unit.format(max(known))}.")
        return " ".join([*said, *(f"{what} at {at:.0f} s." for at, what in self.conclusions)])


def _releases(
    looks: Sequence[tuple[float, Look]], value: Callable[[Traffic | None], float | None]
) -> dict[str, Course]:
    return {
        "stable": [(at, _known(value(look.measured.stable))) for at, look in looks],
        "candidate": [(at, _known(value(look.measured.candidate))) for at, look in looks],
    }


def _trigger(looks: Sequence[tuple[float, Look]], name: str) -> tuple[Course, Course]:
    judged = [(at, each) for at, look in looks for each in look.judgements if each.trigger == name]
    return [(at, _known(each.value)) for at, each in judged], [(at, _known(each.bound)) for at, each in judged]


def _known(value: float | None) -> float:
    return value if value is not None and isfinite(value) else nan
