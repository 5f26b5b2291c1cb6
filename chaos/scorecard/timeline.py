"""What a chart of an experiment shows, worked out before anything is drawn: bins, lanes, marked faults, words."""

import string
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, product
from typing import Self

from chaos.record import Outcome, Request, Result, Window
from chaos.scorecard.measures import QUANTILES, quantile
from infra.pages.paint import CLOSED, HALF_OPEN, OPEN
from infra.pages.text import duration, plural

WIDTHS_S = (0.25, 0.5, 1.0)
MOST_BINS = 150  # more are narrower than what an eye tells apart
ENOUGH = 8  # requests in a bin, on average, below which its quantiles say little
STATES = {0.0: CLOSED, 1.0: HALF_OPEN, 2.0: OPEN}
BREAKER_STATE = "breaker_state"


@dataclass(frozen=True)
class Fault:
    """All the times at which one fault was in force, and the letter that marks them."""

    letter: str
    says: str
    spans: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Span:
    """A breaker's state from `start` to `end`."""

    state: str
    start: float
    end: float


@dataclass(frozen=True)
class Timeline:
    """An experiment over time. A bin's values belong to the requests that were meant to start in it."""

    seconds: float
    width: float  # of a bin, in seconds
    rates: dict[Outcome, list[float]]  # requests per second in each bin, for each outcome that there was
    quantiles: dict[str, list[float | None]]  # seconds waited in each bin; None where nothing was asked
    faults: list[Fault]
    breakers: dict[str, list[Span]] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Result) -> Self:
        """The experiment's timeline; it reaches from its beginning to its end or the last request's start."""
        seconds = max([result.seconds, WIDTHS_S[0], *(request.intended for request in result.requests)])
        width = _width(seconds, len(result.requests))
        bins: list[list[Request]] = [[] for _ in range(int(seconds / width) + 1)]
        for request in result.requests:
            bins[max(0, int(request.intended / width))].append(request)
        waited = [sorted(request.seconds for request in bin_) for bin_ in bins]
        happened = {request.outcome for request in result.requests}
        return cls(
            seconds=seconds,
            width=width,
            rates={
                outcome: [sum(request.outcome is outcome for request in bin_) / width for bin_ in bins]
                for outcome in Outcome
                if outcome in happened
            },
            quantiles={
                name: [quantile(values, share) if values else None for values in waited]
                for name, share in QUANTILES.items()
            },
            faults=faults(result.windows, seconds),
            breakers=_breakers(result, seconds),
        )

    def in_words(self) -> str:
        """What a chart of it shows, for who cannot see it."""
        peak = max((value for value in self.quantiles["p99"] if value is not None), default=None)
        said = [f"Timeline of {duration(self.seconds)}."]
        for outcome, rates in self.rates.items():
            said.append(f"{plural(round(sum(rates) * self.width), 'request')} {outcome}.")
        if peak is not None:
            said.append(f"The highest p99 latency is {duration(peak)}.")
        for fault in self.faults:
            times = " and ".join(f"{start:.1f} to {end:.1f} s" for start, end in fault.spans[:5])
            said.append(f"Fault {fault.letter}, {fault.says}: {times}{' and more' if len(fault.spans) > 5 else ''}.")
        for breaker, spans in self.breakers.items():
            opened = [f"{span.start:.1f} s" for span in spans if span.state == OPEN]
            said.append(f"Breaker {breaker} {'is open from ' + ', '.join(opened[:5]) if opened else 'never opens'}.")
        return " ".join(said)


def _width(seconds: float, requests: int) -> float:
    for width in WIDTHS_S:
        if seconds / width <= MOST_BINS and requests * width / max(seconds, width) >= ENOUGH:
            return width
    return WIDTHS_S[-1]


def faults(windows: tuple[Window, ...], seconds: float) -> list[Fault]:
    """The windows by what their fault is, in the order of their first start; one without an end lasts to the end."""
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for window in sorted(windows, key=lambda window: window.started):
        spans[window.fault].append((window.started, seconds if window.ended is None else window.ended))
    return [Fault(letter, says, tuple(times)) for letter, (says, times) in zip(_letters(), spans.items(), strict=False)]


def _letters() -> Iterator[str]:
    """A to Z, AA to AZ, and so on."""
    for length in count(1):
        yield from ("".join(letters) for letters in product(string.ascii_uppercase, repeat=length))


def _breakers(result: Result, seconds: float) -> dict[str, list[Span]]:
    """Each breaker's states, by its name and where it is; a state holds until a sample says another."""
    changes: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for sample in sorted(result.samples, key=lambda sample: sample.at):
        if sample.name != BREAKER_STATE or sample.value not in STATES:
            continue
        more = [f"{name}={value}" for name, value in sorted(sample.labels.items()) if name != "breaker"]
        lane = changes[" ".join([f"{sample.source}: {sample.labels.get('breaker', '?')}", *more])]
        state = STATES[sample.value]
        if not lane or lane[-1][1] != state:
            lane.append((sample.at, state))
    return {
        name: [
            Span(state, start, end)
            for (start, state), end in zip(lane, [*(at for at, _ in lane[1:]), seconds], strict=True)
        ]
        for name, lane in sorted(changes.items())
    }
