"""The rows of a chart: how each thing that a timeline holds is drawn."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from chaos.scorecard.timeline import Timeline
from infra.pages.paint import CLOSED, HALF_OPEN, OPEN, PAINT
from infra.pages.text import duration, printable

LANE = 0.19  # inches
HEADROOM = 0.7  # lanes above the breakers', where the faults' letters stand
LONGEST_LANE, LONGEST_FAULT = 28, 60  # characters
FLOOR_S = 1e-4  # the least latency that is drawn, for a logarithm needs one
BAND = {CLOSED: 0.14, HALF_OPEN: 0.44, OPEN: 0.8}  # heights, so that states differ without their colours
DASHES = {"p50": "solid", "p95": (0, (5, 1.5)), "p99": (0, (1.5, 1))}


@dataclass(frozen=True)
class Row:
    """A part of the chart: how high it is, in inches, what draws it, and whether the faults are marked in it."""

    height: float
    draw: Callable[[Axes, Timeline], None]
    marked: bool = True


def rows(timeline: Timeline) -> list[Row]:
    """The rows that have something to show."""
    found = []
    if timeline.faults:
        found.append(Row(LANE * len(timeline.faults), _draw_faults, marked=False))
    if timeline.rates:
        found += [Row(1.5, _draw_rates), Row(1.5, _draw_latency)]
    if timeline.breakers:
        found.append(Row(LANE * (len(timeline.breakers) + HEADROOM), _draw_breakers))
    return found


def mark_faults(axes: Axes, timeline: Timeline) -> None:
    """Shade the times at which faults were in force and put their letters to them."""
    across = axes.get_xaxis_transform()
    for fault in timeline.faults:
        for number, (start, end) in enumerate(fault.spans):
            axes.axvspan(start, end, color=PAINT["fault"], alpha=0.13, linewidth=0, zorder=0)
            axes.vlines([start, end], 0, 1, PAINT["fault"], alpha=0.6, linewidth=0.7, transform=across)
            if number == 0:
                axes.annotate(
                    fault.letter,
                    (start, 1),
                    (2, -8),
                    xycoords=across,
                    textcoords="offset points",
                    color=PAINT["fault"],
                    weight="bold",
                )


def _draw_faults(axes: Axes, timeline: Timeline) -> None:
    _lanes(axes, "faults in force", [fault.letter for fault in timeline.faults])
    axes.spines["bottom"].set_visible(False)
    for lane, fault in enumerate(timeline.faults):
        bars = [(start, end - start) for start, end in fault.spans]
        axes.broken_barh(bars, (lane - 0.4, 0.8), facecolor=PAINT["fault"], alpha=0.3, linewidth=0)
        first, last = fault.spans[0][0], fault.spans[-1][1]
        at, side, shift = (first, "left", 3) if first < timeline.seconds / 2 else (last, "right", -3)
        axes.annotate(
            _short(fault.says, LONGEST_FAULT), (at, lane), (shift, 0), textcoords="offset points", ha=side, va="center"
        )


def _draw_rates(axes: Axes, timeline: Timeline) -> None:
    axes.set_title("requests per second")
    axes.grid(visible=True, axis="y")
    below = [0.0] * len(_edges(timeline))
    for outcome, rates in timeline.rates.items():
        above = [low + rate for low, rate in zip(below, [*rates, rates[-1]], strict=True)]
        axes.fill_between(_edges(timeline), below, above, step="post", color=PAINT[outcome], linewidth=0)
        below = above
    axes.set_ylim(0, max(below) * 1.12)
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _draw_latency(axes: Axes, timeline: Timeline) -> None:
    axes.set_title("latency, whatever the outcome")
    axes.grid(visible=True, axis="y")
    known = [value for values in timeline.quantiles.values() for value in values if value is not None]
    for name, values in timeline.quantiles.items():
        drawn = [math.nan if value is None else max(value, FLOOR_S) for value in values]
        axes.step(
            _edges(timeline),
            [*drawn, drawn[-1]],
            where="post",
            color=PAINT[name],
            linestyle=DASHES[name],
            linewidth=1.3,
            label=name,
        )
    axes.set_yscale("log")
    axes.set_ylim(max(min(known), FLOOR_S) / 1.5, max(*known, FLOOR_S * 10) * 2)
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
    _legend(axes)


def _draw_breakers(axes: Axes, timeline: Timeline) -> None:
    _lanes(axes, "breakers", list(timeline.breakers))
    axes.set_ylim(len(timeline.breakers) - 0.5, -0.5 - HEADROOM)
    for lane, spans in enumerate(timeline.breakers.values()):
        for state, height in BAND.items():
            bars = [(span.start, span.end - span.start) for span in spans if span.state == state]
            axes.broken_barh(bars, (lane - height / 2, height), facecolor=PAINT[state], linewidth=0)
    _legend(axes, [Patch(facecolor=PAINT[state], label=state) for state in BAND])


def _lanes(axes: Axes, title: str, names: Sequence[str]) -> None:
    """One lane per name, the first at the top."""
    axes.set_title(title)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [_short(name, LONGEST_LANE) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _legend(axes: Axes, handles: Sequence[Patch] | None = None) -> None:
    axes.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1.01, 0.97), ncols=3, columnspacing=1.4, handlelength=2.2
    )


def _edges(timeline: Timeline) -> list[float]:
    bins = len(timeline.quantiles["p50"])
    return [number * timeline.width for number in range(bins + 1)]


def _short(text: str, longest: int) -> str:
    text = printable(" ".join(text.split()))
    return text if len(text) <= longest else text[: longest - 1] + "…"
