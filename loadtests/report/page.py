"""A load as one HTML page that needs nothing but itself: no script, no file, no address."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from chaos.record import Outcome, Verdict
from chaos.scorecard.measures import QUANTILES
from chaos.scorecard.page import MARKS, MEANING
from chaos.scorecard.summary import STAND_IN
from infra.pages.templates import templates
from infra.pages.text import duration, plural
from loadtests import knee
from loadtests.mix import OPERATIONS
from loadtests.record import Run
from loadtests.report.timeline import Timeline
from loadtests.report.words import WORDS
from loadtests.samples import Samples
from loadtests.shapes import SHAPES, length
from loadtests.summary import Summary
from loadtests.usage import Used

NAME = "report.html"

_TEMPLATES = templates(Path(__file__).parent)
_TEMPLATES.filters |= {"duration": duration, "plural": plural, "knee": knee.said}


def page(summary: Summary, charts: Mapping[str, str]) -> str:
    """The page. `charts` are SVG elements that go into it unchanged, by what they show."""
    shape = SHAPES[summary.run.shape]
    return _TEMPLATES.get_template("page.html.j2").render(
        summary=summary,
        run=summary.run,
        shape=shape,
        seconds=length(summary.run.stages),
        operations=OPERATIONS if shape.mix == "reads" else (),
        charts=charts,
        marks=MARKS,
        meaning=MEANING,
        outcomes=list(Outcome),
        quantiles=list(QUANTILES),
        stand_in=STAND_IN,
        verdicts=Verdict,
        words=WORDS,
    )


def charts(run: Run, samples: Samples, used: Sequence[Used]) -> Mapping[str, str]:
    """The page's charts; empty for what was not measured."""
    from loadtests.report.chart import lanes_chart, load_chart  # noqa: PLC0415 - matplotlib takes a second to import

    timeline = Timeline.of(run, samples, used)
    return {
        "load": load_chart(timeline),
        "cores": lanes_chart("cores", "CPU", timeline, timeline.cores, "{:.2f} cores"),
        "memory": lanes_chart("memory", "memory", timeline, timeline.memory, "{:.0f} MiB"),
    }


def save(folder: Path, summary: Summary, samples: Samples, used: Sequence[Used]) -> None:
    """Write `report.html` into the run's folder."""
    (folder / NAME).write_text(page(summary, charts(summary.run, samples, used)), encoding="utf-8")
