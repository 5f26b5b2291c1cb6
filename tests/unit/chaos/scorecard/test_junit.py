from pathlib import Path
from xml.etree import ElementTree as ET

from chaos.record import Finding, Verdict
from chaos.scorecard.junit import junit, save
from chaos.scorecard.summary import summarize
from tests.unit.chaos.scorecard.runs import finding, result, run

FAILED, PASSED, UNKNOWN = Verdict.FAILED, Verdict.PASSED, Verdict.UNKNOWN


def _cases(document: ET.Element) -> dict[str, ET.Element]:
    return {case.attrib["name"]: case for case in document.iter("testcase")}


def _properties(element: ET.Element) -> dict[str, str]:
    return {one.attrib["name"]: one.attrib["value"] for one in element.iterfind("properties/property")}


def test_failed_is_a_failure_and_unknown_an_error() -> None:
    results = [result("a", PASSED), result("b", FAILED), result("c", UNKNOWN), result("d", FAILED), result("e")]
    document = junit(summarize(run(), results))
    cases = _cases(document)

    for counted in (document, document[0]):
        assert (counted.attrib["tests"], counted.attrib["failures"], counted.attrib["errors"]) == ("5", "2", "2")
    assert [child.tag for child in cases["a"]] == ["properties"]
    assert cases["b"].find("failure") is not None
    error = cases["c"].find("error")
    assert error is not None
    assert error.attrib["type"] == "unknown"
    assert cases["e"].find("error") is not None


def test_the_reasons_stand_in_the_failure_with_the_heaviest_as_its_message() -> None:
    found = [Finding("fast", UNKNOWN, "no probe"), Finding("honest", FAILED, "37 lies")]
    failure = _cases(junit(summarize(run(), [result(findings=found)])))["cut-ollama"].find("failure")

    assert failure is not None
    assert failure.attrib["message"] == "failed: honest: 37 lies"
    assert failure.text == "failed: honest: 37 lies\nunknown: fast: no probe"


def test_a_failed_clean_up_stands_beside_a_passed_case() -> None:
    dirty = result("a", PASSED, clean_up=Finding("healed", FAILED, "a toxic is left"), proves=["breakers", "fallback"])
    case = _cases(junit(summarize(run(seed=9), [dirty])))["a"]

    assert case.findtext("system-err") == "clean-up failed: healed: a toxic is left"
    assert case.find("failure") is None
    about = _properties(case)
    assert (about["clean-up"], about["decision"], about["seed"]) == ("failed", "breakers, fallback", "9")


def test_the_suite_says_what_ran() -> None:
    suite = junit(summarize(run(), [result()]))[0]

    assert _properties(suite) == {
        "run": "20260105-143000-quick",
        "seed": "7",
        "quick": "true",
        "stack.qdrant-0": "embedded Qdrant (stand-in)",
        "stack.redis": "Valkey 8.1",
    }


def test_what_xml_cannot_hold_is_replaced(tmp_path: Path) -> None:
    hostile = "]]><x a='1\">&amp;\x00\x1b[2J\ufffe"
    summary = summarize(run(id=hostile), [result(findings=[finding(FAILED, hostile)], title=hostile)])
    save(tmp_path, summary)
    document = ET.parse(tmp_path / "junit.xml").getroot()

    failure = _cases(document)["cut-ollama"].find("failure")
    assert failure is not None
    assert "]]><x a='1\">&amp;\ufffd\ufffd[2J\ufffd" in failure.attrib["message"]
