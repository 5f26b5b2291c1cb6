"""The chart of an experiment, as inline SVG: faults, requests by outcome, latency and breakers over one time axis."""

import warnings
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from chaos.record import Result
from chaos.scorecard.rows import Row, mark_faults, rows
from chaos.scorecard.timeline import Timeline
from infra.pages.chart import STYLE, drawn, inline

WIDTH, LEFT, RIGHT = 10.0, 1.9, 0.15  # inches
TITLE, GAP, AXIS = 0.24, 0.14, 0.4  # inches


def chart(result: Result) -> str:
    """The experiment's chart as an `svg` element with its own description; empty where nothing was recorded."""
    timeline = Timeline.of(result)
    parts = rows(timeline)
    if not parts:
        return ""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # A glyph that matplotlib's font lacks is measured wrongly and, being text, drawn by the browser all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        svg = drawn(_figure(timeline, parts))
    return inline(svg, result.name, timeline.in_words())


def _figure(timeline: Timeline, parts: Sequence[Row]) -> Figure:
    height = sum(TITLE + row.height + GAP for row in parts) + AXIS
    figure = Figure(figsize=(WIDTH, height))
    figure.patch.set_visible(False)
    top = height
    for row in parts:
        top -= TITLE + row.height
        across = (WIDTH - LEFT - RIGHT) / WIDTH
        axes = figure.add_axes((LEFT / WIDTH, top / height, across, row.height / height))
        axes.patch.set_visible(False)
        axes.set_xlim(0, timeline.seconds)
        axes.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10]))
        row.draw(axes, timeline)
        if row.marked:
            mark_faults(axes, timeline)
        last = row is parts[-1]
        axes.tick_params(axis="x", labelbottom=last, length=2 if last else 0)
        top -= GAP
    axes.set_xlabel("seconds since the experiment began")
    return figure
