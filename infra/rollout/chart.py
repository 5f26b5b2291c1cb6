"""The chart of a rollout, as inline SVG: weights, both releases, and each trigger's value against its bound."""

from collections.abc import Callable, Mapping

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from infra.pages.chart import STYLE, drawn, inline
from infra.pages.paint import PAINT
from infra.pages.text import duration
from infra.rollout.timeline import Course, Timeline

WIDTH, LEFT, RIGHT = 10.0, 1.3, 0.2  # inches
TITLE, GAP, AXIS = 0.24, 0.16, 0.4  # inches
HIGH, LOW = 1.2, 0.55  # inches, of a row
COLOURS = {"stable": PAINT["p95"], "candidate": PAINT["error"]}

Draw = Callable[[Axes], None]


def chart(timeline: Timeline) -> str:
    """The whole rollout over one time axis."""
    rows: list[tuple[str, float, Draw]] = [
        ("the candidate's weight, percent", HIGH, lambda axes: _weights(axes, timeline)),
        ("error rate", HIGH, lambda axes: _releases(axes, timeline.errors, "{:.1%}".format)),
        ("p95 latency", HIGH, lambda axes: _releases(axes, timeline.latency, duration)),
        *((f"{name}: value, and its bound dotted", LOW, _trigger(*each)) for name, each in timeline.triggers.items()),
    ]
    with mpl.rc_context(STYLE):
        height = sum(TITLE + high + GAP for _, high, _ in rows) + AXIS
        figure = Figure(figsize=(WIDTH, height))
        figure.patch.set_visible(False)
        top = height
        for title, high, draw in rows:
            top -= TITLE + high
            across = (WIDTH - LEFT - RIGHT) / WIDTH
            axes = figure.add_axes((LEFT / WIDTH, top / height, across, high / height))
            _row(axes, title, timeline, draw)
            top -= GAP
        axes.tick_params(axis="x", labelbottom=True, length=2)
        axes.set_xlabel("seconds since the rollout began")
        svg = drawn(figure)
    return inline(svg, "rollout", timeline.in_words())


def _row(axes: Axes, title: str, timeline: Timeline, draw: Draw) -> None:
    axes.patch.set_visible(False)
    axes.set_xlim(0, timeline.seconds)
    axes.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.tick_params(axis="x", labelbottom=False, length=0)
    axes.set_title(title)
    draw(axes)
    axes.set_ylim(bottom=0)
    for at, _ in timeline.conclusions:
        axes.axvline(at, color=PAINT["grid"], linewidth=0.8, zorder=0)


def _weights(axes: Axes, timeline: Timeline) -> None:
    for number, (service, course) in enumerate(timeline.weights.items()):
        style = ("solid", "dashed", "dotted", "dashdot")[number % 4]
        _line(axes, course, PAINT["ink"], label=service, linestyle=style, steps=True)
    axes.set_ylim(0, 109)
    _legend(axes)


def _releases(axes: Axes, courses: Mapping[str, Course], said: Callable[[float], str]) -> None:
    for release, course in courses.items():
        _line(axes, course, COLOURS[release], label=release)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: said(value)))
    _legend(axes)


def _trigger(values: Course, bounds: Course) -> Draw:
    def draw(axes: Axes) -> None:
        _line(axes, values, PAINT["error"])
        _line(axes, bounds, PAINT["muted"], linestyle="dotted", steps=True)

    return draw


def _line(
    axes: Axes, course: Course, colour: str, *, label: str = "", linestyle: str = "solid", steps: bool = False
) -> None:
    axes.plot(
        [at for at, _ in course],
        [value for _, value in course],
        color=colour,
        label=label,
        linestyle=linestyle,
        linewidth=1.3,
        marker="" if steps else ".",
        markersize=3,
        drawstyle="steps-post" if steps else "default",
    )


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower right", bbox_to_anchor=(1.01, 0.97), ncols=4, columnspacing=1.4, handlelength=2.2)
