"""The chart of an experiment, as inline SVG: faults, requests by outcome, latency and breakers over one time axis."""

import io
import re
import warnings
from collections.abc import Sequence
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import RcKeyType

from chaos.record import Result
from chaos.scorecard.paint import PAINT, with_variables
from chaos.scorecard.rows import Row, mark_faults, rows
from chaos.scorecard.text import printable
from chaos.scorecard.timeline import Timeline

WIDTH, LEFT, RIGHT = 10.0, 1.9, 0.15  # inches
TITLE, GAP, AXIS = 0.24, 0.14, 0.4  # inches
STYLE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "breakwater",  # the same record makes the same page
    "text.parse_math": False,  # a "$" in a fault's name is a dollar
    "font.size": 8.5,
    "font.sans-serif": ["DejaVu Sans"],  # to measure with; the page says what is shown
    "axes.edgecolor": PAINT["grid"],
    "axes.labelcolor": PAINT["muted"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": PAINT["muted"],
    "axes.titlepad": 4,
    "text.color": PAINT["ink"],
    "xtick.color": PAINT["grid"],
    "ytick.color": PAINT["grid"],
    "xtick.labelcolor": PAINT["muted"],
    "ytick.labelcolor": PAINT["muted"],
    "grid.color": PAINT["grid"],
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}


def chart(result: Result) -> str:
    """The experiment's chart as an `svg` element with its own description; empty where nothing was recorded."""
    timeline = Timeline.of(result)
    parts = rows(timeline)
    if not parts:
        return ""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # A glyph that matplotlib's font lacks is measured wrongly and, being text, drawn by the browser all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = _figure(timeline, parts)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return inline(written.getvalue(), result.name, timeline.in_words())


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


def inline(svg: str, name: str, description: str) -> str:
    """A drawn SVG as a part of an HTML page: sized by the page, described, its ids its own by `name`."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 :].replace("xlink:href", "href")
    prefix = re.sub(r"\W", "_", name)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", with_variables(body))
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None, "matplotlib writes a viewBox"
    return f'<svg {box[0]} role="img" aria-label="{escape(printable(description))}" class="chart">{body.strip()}'
