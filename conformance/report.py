"""A run's results as JSON and as JUnit XML."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from conformance.run import Result
from conformance.stack import Stack
from infra.pages.text import printable

_TAGS = {"FAILED": "failure", "not applicable": "skipped"}


def save(folder: Path, stack: Stack, began: datetime, results: Sequence[Result]) -> None:
    """Write `conformance.json` and `junit.xml` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"stack": stack.manifest.stack, "target": stack.manifest.target, "gateway": stack.gateway}
    runs = {one.component: one.runs for one in stack.manifest.components}
    record = {**about, "began": began.isoformat(), "runs": runs, "checks": [asdict(result) for result in results]}
    (folder / "conformance.json").write_text(json.dumps(record, indent=2))
    tree = ET.ElementTree(junit(about["stack"], began, results))
    ET.indent(tree)
    tree.write(folder / "junit.xml", encoding="utf-8", xml_declaration=True)


def junit(stack: str, began: datetime, results: Sequence[Result]) -> ET.Element:
    """The run as a `testsuites` element: a test case for each check, not applicable ones skipped."""
    verdicts = Counter(result.verdict for result in results)
    counts = {
        "tests": str(len(results)),
        "failures": str(verdicts["FAILED"]),
        "errors": "0",
        "skipped": str(verdicts["not applicable"]),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }
    suites = ET.Element("testsuites", {"name": "conformance", **counts})
    about = {"name": printable(f"conformance {stack}"), "timestamp": began.isoformat()}
    suite = ET.SubElement(suites, "testsuite", {**about, **counts})
    for result in results:
        names = {"classname": f"conformance.{result.group}", "name": printable(result.name)}
        case = ET.SubElement(suite, "testcase", {**names, "time": f"{result.seconds:.3f}"})
        if tag := _TAGS.get(result.verdict):
            ET.SubElement(case, tag, {"message": printable(result.reason)})
    return suites
