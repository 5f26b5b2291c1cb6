"""A run as JUnit XML, for what reads test reports: a test suite with a test case per experiment."""

from pathlib import Path
from xml.etree import ElementTree as ET

from chaos.record import Finding, Verdict
from chaos.scorecard.summary import Experiment, Summary
from infra.pages.text import printable

_TAGS = {Verdict.FAILED: "failure", Verdict.UNKNOWN: "error"}


def junit(summary: Summary) -> ET.Element:
    """The run as a `testsuites` element. Failed is a failure, unknown an error of type "unknown".

    A clean-up that did not pass changes neither; it stands in the test case's system-err and as its property.
    """
    run, totals = summary.run, summary.totals
    counts = {
        "tests": str(totals.experiments),
        "failures": str(totals.verdicts[Verdict.FAILED]),
        "errors": str(totals.verdicts[Verdict.UNKNOWN]),
        "skipped": "0",
        "time": f"{totals.seconds:.3f}",
    }
    suites = ET.Element("testsuites", {"name": "chaos", **counts})
    name = printable(f"chaos {run.id}")
    suite = ET.SubElement(suites, "testsuite", {"name": name, "timestamp": run.began_at.isoformat(), **counts})
    about = {"run": run.id, "seed": str(run.seed), "quick": str(run.quick).lower()}
    _properties(suite, about | {f"stack.{component}": ran for component, ran in run.stack.items()})
    for experiment in summary.experiments:
        _case(suite, experiment, run.seed)
    return suites


def _case(suite: ET.Element, experiment: Experiment, seed: int) -> None:
    name, seconds = printable(experiment.name), f"{experiment.seconds:.3f}"
    case = ET.SubElement(suite, "testcase", {"classname": "chaos", "name": name, "time": seconds})
    _properties(
        case,
        {
            "title": experiment.title,
            "decision": ", ".join(experiment.proves),
            "seed": str(seed),
            "clean-up": experiment.clean_up.verdict,
        },
    )
    if tag := _TAGS.get(experiment.verdict):
        reasons = [_line(finding) for finding in experiment.reasons] or ["nothing was checked"]
        attributes = {"type": experiment.verdict.value, "message": printable(reasons[0])}
        ET.SubElement(case, tag, attributes).text = printable("\n".join(reasons))
    if experiment.clean_up.verdict is not Verdict.PASSED:
        ET.SubElement(case, "system-err").text = printable(f"clean-up {_line(experiment.clean_up)}")


def _line(finding: Finding) -> str:
    return f"{finding.verdict}: {finding.check}: {finding.said}"


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", {"name": printable(name), "value": printable(value)})


def save(folder: Path, summary: Summary) -> None:
    """Write `junit.xml` into the run's folder."""
    tree = ET.ElementTree(junit(summary))
    ET.indent(tree)
    tree.write(folder / "junit.xml", encoding="utf-8", xml_declaration=True)
