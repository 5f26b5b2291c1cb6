"""The charts of a load, as inline SVG: rate and latency over time, and what each component used meanwhile."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from infra.pages.chart import STYLE, drawn, inline
from infra.pages.paint import PAINT
from infra.pages.text import duration
from loadtests.report.timeline import Lane, Timeline

WIDTH, LEFT, RIGHT = 10.0, 1.3, 0.75  # inches
TITLE, GAP, AXIS = 0.24, 0.16, 0.4  # inches
LANE = 0.26  # inches
FLOOR_S = 1e-4  # the least latency that is drawn, for a logarithm needs one
DASHES = {"p50": "solid", "p95": (0, (5, 1.5)), "p99": (0, (1.5, 1))}


@dataclass(frozen=True)
class Row:
    """A part of a chart: how high it is, in inches, whether a title stands above it, and what draws it."""

    height: float
    title: str
    draw: Callable[[Axes], None]


def load_chart(timeline: Timeline) -> str:
    """Rate by outcome with the intended and the achieved one, and latency."""
    rows = [
        Row(1.7, "requests per second", lambda axes: _rates(axes, timeline)),
        Row(1.7, "latency from the intended start", lambda axes: _latency(axes, timeline)),
    ]
    return _drawn("load", rows, timeline, timeline.in_words())


def lanes_chart(name: str, title: str, timeline: Timeline, lanes: Mapping[str, Lane], said: str) -> str:
    """A lane for each component, all to one scale; `said` formats the highest value, which stands beside it."""
    top = max((lane.most for lane in lanes.values()), default=0.0) or 1.0

    def draw(component: str, lane: Lane) -> Callable[[Axes], None]:
        def drawn(axes: Axes) -> None:
            axes.set_ylim(0, top * 1.1)
            _lane(axes, component, _edges(timeline, lane.values), said.format(lane.most))

        return drawn

    titles = [title, *[""] * len(lanes)]
    rows = [Row(LANE, above, draw(*each)) for above, each in zip(titles, lanes.items(), strict=False)]
    words = [
        f"{each}: {said.format(lane.mean)} on average, {said.format(lane.most)} at most."
        for each, lane in lanes.items()
    ]
    return _drawn(name, rows, timeline, " ".join([f"{title}.", *words])) if rows else ""


def _drawn(name: str, rows: Sequence[Row], timeline: Timeline, words: str) -> str:
    with mpl.rc_context(STYLE):
        svg = drawn(_figure(rows, timeline))
    return inline(svg, name, words)


def _figure(rows: Sequence[Row], timeline: Timeline) -> Figure:
    height = sum((TITLE if row.title else 0) + row.height + (GAP if row.height > LANE else 0) for row in rows) + AXIS
    figure = Figure(figsize=(WIDTH, height))
    figure.patch.set_visible(False)
    top = height
    for row in rows:
        top -= (TITLE if row.title else 0) + row.height
        across = (WIDTH - LEFT - RIGHT) / WIDTH
        axes = figure.add_axes((LEFT / WIDTH, top / height, across, row.height / height))
        axes.patch.set_visible(False)
        axes.set_xlim(0, timeline.seconds)
        axes.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10]))
        axes.set_title(row.title)
        row.draw(axes)
        _mark_stages(axes, timeline)
        last = row is rows[-1]
        axes.tick_params(axis="x", labelbottom=last, length=2 if last else 0)
        top -= GAP if row.height > LANE else 0
    axes.set_xlabel("seconds since the load began")
    return figure


def _mark_stages(axes: Axes, timeline: Timeline) -> None:
    """Shade what is not judged, such as a warm-up."""
    for stage, begin, end in timeline.stages:
        if not stage.judged:
            axes.axvspan(begin, end, color=PAINT["muted"], alpha=0.13, linewidth=0, zorder=0)


def _edges(timeline: Timeline, values: Sequence[float]) -> tuple[list[float], list[float]]:
    return [number * timeline.width for number in range(len(values) + 1)], [*values, values[-1]]


def _rates(axes: Axes, timeline: Timeline) -> None:
    axes.grid(visible=True, axis="y")
    below = [0.0] * len(timeline.intended)
    for outcome, rates in timeline.rates.items():
        above = [low + rate for low, rate in zip(below, rates, strict=True)]
        edges, low = _edges(timeline, below)
        axes.fill_between(edges, low, _edges(timeline, above)[1], step="post", color=PAINT[outcome], linewidth=0)
        below = above
    for name, values, dashes in (
        ("achieved", timeline.achieved, "solid"),
        ("intended", timeline.intended, DASHES["p99"]),
    ):
        axes.step(
            *_edges(timeline, values), where="post", color=PAINT["ink"], linestyle=dashes, linewidth=1.1, label=name
        )
    axes.set_ylim(0, max(*timeline.intended, *timeline.achieved, 1) * 1.12)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    _legend(axes)


def _latency(axes: Axes, timeline: Timeline) -> None:
    axes.grid(visible=True, axis="y")
    known = [value for values in timeline.quantiles.values() for value in values if value is not None]
    for name, values in timeline.quantiles.items():
        drawn = [math.nan if value is None else max(value, FLOOR_S) for value in values]
        axes.step(
            *_edges(timeline, drawn), where="post", color=PAINT[name], linestyle=DASHES[name], linewidth=1.3, label=name
        )
    axes.set_yscale("log")
    axes.set_ylim(max(min(known, default=FLOOR_S), FLOOR_S) / 1.5, max([*known, FLOOR_S * 10]) * 2)
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
    _legend(axes)


def _lane(axes: Axes, name: str, drawn: tuple[list[float], list[float]], most: str) -> None:
    axes.fill_between(*drawn, step="post", color=PAINT["p95"], linewidth=0)
    axes.set_yticks([0], [name], verticalalignment="bottom")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.annotate(most, (1, 0), (4, 0), xycoords="axes fraction", textcoords="offset points", color=PAINT["muted"])


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1.01, 0.97), ncols=3, columnspacing=1.4, handlelength=2.2)
