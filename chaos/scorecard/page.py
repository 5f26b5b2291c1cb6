"""A run as one HTML page that needs nothing but itself: no script, no file, no address."""

import re
from collections.abc import Mapping
from pathlib import Path

from chaos.record import Outcome, Verdict
from chaos.scorecard.measures import QUANTILES, STEADY
from chaos.scorecard.summary import STAND_IN, Summary
from chaos.scorecard.timeline import faults
from infra.pages.templates import templates
from infra.pages.text import duration, plural

MEANING = {
    Outcome.LIVE: "a success, computed now",
    Outcome.CACHED: "a success from the cache, as on any day",
    Outcome.DEGRADED: "a stale answer that says so",
    Outcome.REFUSED: "4xx: the caller's own doing, or a limit",
    Outcome.UNAVAILABLE: "an honest 503 with Retry-After",
    Outcome.ERROR: "any other answer",
    Outcome.LOST: "no whole answer; what became of the request is unknown",
}
MARKS = {Verdict.PASSED: "✓", Verdict.UNKNOWN: "?", Verdict.FAILED: "✗"}


def anchor(name: str) -> str:
    """The id under which an experiment stands in the page."""
    return "experiment-" + re.sub(r"[^\w-]", "-", name)


_TEMPLATES = templates(Path(__file__).parent)
_TEMPLATES.filters |= {"anchor": anchor, "duration": duration, "plural": plural}


def page(summary: Summary, charts: Mapping[str, str]) -> str:
    """The page. `charts` holds each experiment's chart by its name, as the SVG element that goes into it unchanged."""
    return _TEMPLATES.get_template("page.html.j2").render(
        summary=summary,
        charts=charts,
        faults=faults,
        marks=MARKS,
        meaning=MEANING,
        quantiles=list(QUANTILES),
        stand_in=STAND_IN,
        steady=STEADY,
        verdicts=Verdict,
    )


def save(folder: Path, summary: Summary, charts: Mapping[str, str]) -> None:
    """Write `scorecard.html` into the run's folder."""
    (folder / "scorecard.html").write_text(page(summary, charts), encoding="utf-8")
