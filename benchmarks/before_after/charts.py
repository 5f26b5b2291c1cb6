"""The page's charts, each an SVG file that is the same for the same record."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from benchmarks.before_after.figures import ANSWERED, latency, of
from benchmarks.before_after.record import Answer, Measured, Plan, Report, Slot
from benchmarks.before_after.units import milliseconds
from chaos.record import Outcome
from infra.pages.chart import drawn

WIDTH = 10.0  # inches
COLOURS = {"before": "#9aa5b1", "after": "#2563a8"}
PARTS: Mapping[str, tuple[str, frozenset[Outcome]]] = {
    "answered": ("#3f8f5f", frozenset({Outcome.LIVE, Outcome.CACHED})),
    "answered from the cache, stale": ("#e0b23c", frozenset({Outcome.DEGRADED})),
    "503, told to retry": ("#d98a80", frozenset({Outcome.UNAVAILABLE})),
    "failed otherwise": ("#a8322a", frozenset(Outcome) - ANSWERED - {Outcome.UNAVAILABLE}),
}
STYLE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "breakwater",
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "legend.frameon": False,
}


def charts(report: Report) -> dict[str, str]:
    """The charts by their names."""
    with mpl.rc_context(STYLE):
        return {"latency": _svg(_latency(report)), "availability": _svg(_availability(report))}


def _svg(figure: Figure) -> str:
    short = re.sub(r"(\.\d)\d+(?=\s)", r"\1", drawn(figure))  # a tenth of a point is precise enough
    return "\n".join(line.rstrip() for line in short.splitlines()) + "\n"


def _latency(report: Report) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    phases = {"one by one": lambda found: found.alone, "under load": lambda found: found.loaded}
    panels = [(operation, phase) for operation in ("search", "question") for phase in phases]
    for number, (operation, phase) in enumerate(panels, 1):
        axes = figure.add_subplot(1, len(panels), number)
        for side, measured in enumerate((report.before, report.after)):
            _bars(axes, side, of(phases[phase](measured.found), operation))
        axes.set_title(f"{operation}, {phase} (ms)")
        axes.set_yticks([])  # every bar says its figure
        axes.spines["left"].set_visible(False)
        axes.margins(y=0.15)
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2)
    return figure


def _bars(axes: Axes, side: int, answers: Sequence[Answer]) -> None:
    """The quantiles of one stack."""
    if (waited := latency(answers)) is None:
        return
    name = list(COLOURS)[side]
    values = list(asdict(waited).values())
    bars = axes.bar([place + 0.4 * side for place in range(len(values))], values, 0.38, color=COLOURS[name], label=name)
    axes.bar_label(bars, [milliseconds(value).removesuffix(" ms") for value in values], fontsize=7.5, padding=1)
    axes.set_xticks([place + 0.2 for place in range(len(values))], list(asdict(waited)))
    axes.tick_params(axis="x", length=0)


def _availability(report: Report) -> Figure:
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    for number, (name, measured) in enumerate({"before": report.before, "after": report.after}.items(), 1):
        axes = figure.add_subplot(2, 1, number)
        axes.set_title(f"{name}: requests a second, by what their callers got")
        _seconds(axes, report.plan, measured)
        for slot in report.plan.slots:
            _mark(axes, slot)
        axes.set_xlim(0, report.plan.schedule_s)
        axes.margins(y=0.18)  # for the letters
    axes.set_xlabel("seconds since the schedule began; a fault is in force where it is grey, between the lines")
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(PARTS))
    return figure


def _mark(axes: Axes, slot: Slot) -> None:
    """Where the fault begins and ends, and its letter."""
    up = axes.get_xaxis_transform()
    axes.axvspan(slot.begin, slot.heal, color="black", alpha=0.08, linewidth=0, zorder=0)
    axes.vlines([slot.begin, slot.heal], 0, 1, "black", linewidth=0.6, transform=up)
    axes.text((slot.begin + slot.heal) / 2, 0.98, slot.letter, transform=up, weight="bold", ha="center", va="top")


def _seconds(axes: Axes, plan: Plan, measured: Measured) -> None:
    """What the requests of each second came to, one part upon the other."""
    edges = range(int(plan.schedule_s) + 2)
    below = [0] * (len(edges) - 1)
    for name, (colour, wanted) in PARTS.items():
        counts = Counter(int(one.at) for one in measured.found.faulted if one.outcome in wanted)
        above = [low + counts[second] for second, low in enumerate(below)]
        axes.stairs(above, edges, baseline=below, fill=True, color=colour, label=name)
        below = above
