"""A load as JUnit XML: a test suite with a test case for each finding."""

from pathlib import Path
from xml.etree import ElementTree as ET

from chaos.record import Verdict
from infra.pages.text import printable
from loadtests.report.words import WORDS
from loadtests.shapes import length
from loadtests.summary import Summary

_TAGS = {Verdict.FAILED: "failure", Verdict.UNKNOWN: "error"}


def junit(summary: Summary) -> ET.Element:
    """The load as a `testsuites` element. Failed is a failure, inconclusive an error."""
    run, verdicts = summary.run, [finding.verdict for finding in summary.findings]
    counts = {
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count(Verdict.FAILED)),
        "errors": str(verdicts.count(Verdict.UNKNOWN)),
        "skipped": "0",
        "time": f"{length(run.stages):.3f}",
    }
    suites = ET.Element("testsuites", {"name": "load", **counts})
    about = {"name": printable(f"load {run.id}"), "timestamp": run.began_at.isoformat()}
    suite = ET.SubElement(suites, "testsuite", {**about, **counts})
    for finding in summary.findings:
        case = ET.SubElement(suite, "testcase", {"classname": f"load.{run.shape}", "name": printable(finding.check)})
        if tag := _TAGS.get(finding.verdict):
            wrong = {"type": WORDS[finding.verdict], "message": printable(finding.said)}
            ET.SubElement(case, tag, wrong).text = printable(finding.said)
        else:
            ET.SubElement(case, "system-out").text = printable(finding.said)
    return suites


def save(folder: Path, summary: Summary) -> None:
    """Write `junit.xml` into the run's folder."""
    tree = ET.ElementTree(junit(summary))
    ET.indent(tree)
    tree.write(folder / "junit.xml", encoding="utf-8", xml_declaration=True)
