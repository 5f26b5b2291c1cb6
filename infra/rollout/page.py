"""A rollout as one HTML page that needs nothing but itself: no script, no file, no address."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from infra.pages.templates import templates
from infra.pages.text import duration
from infra.rollout import journal, words
from infra.rollout.deployment import weights_said
from infra.rollout.journal import Line, Look
from infra.rollout.judgement import Verdict
from infra.rollout.state import STATE, Phase, State, load
from infra.rollout.timeline import Timeline

NAME = "rollout.html"

MARKS = {Verdict.HEALTHY: "✓", Verdict.INCONCLUSIVE: "?", Verdict.UNHEALTHY: "✗"}
CLASSES = {Verdict.HEALTHY: "passed", Verdict.INCONCLUSIVE: "unknown", Verdict.UNHEALTHY: "failed"}
"""The style's classes, by verdict."""
OUTCOMES = {Phase.PROMOTED: Verdict.HEALTHY, Phase.UNDONE: Verdict.UNHEALTHY}

_TEMPLATES = templates(Path(__file__).parent)
_TEMPLATES.filters |= {
    "duration": duration,
    "said": words.entry_said,
    "number": words.number,
    "traffic": words.traffic_said,
    "weights": weights_said,
}


def page(state: State, lines: Sequence[Line], chart: str) -> str:
    """The page. `chart` is an SVG element that goes into it unchanged; empty where nothing was looked at."""
    looks = [line.entry for line in lines if isinstance(line.entry, Look)]
    return _TEMPLATES.get_template("page.html.j2").render(
        state=state,
        plan=state.plan,
        began=datetime.fromtimestamp(state.plan.began_at, UTC),
        said=words.state_said(state),
        verdict=OUTCOMES.get(state.phase, Verdict.INCONCLUSIVE),
        releases=words.releases_said(state.plan),
        last=list({look.step: look for look in looks}.values()),
        lines=lines,
        chart=chart,
        marks=MARKS,
        classes=CLASSES,
    )


def save(folder: Path) -> None:
    """Write `rollout.html` beside the state and the journal in a rollout's folder."""
    state, lines = load(folder / STATE), journal.read(folder)
    drawn = ""
    if any(isinstance(line.entry, Look) for line in lines):
        from infra.rollout.chart import chart  # noqa: PLC0415 - matplotlib takes a second to import

        drawn = chart(Timeline.of(lines, state.plan.began_at))
    (folder / NAME).write_text(page(state, lines, drawn), encoding="utf-8")
