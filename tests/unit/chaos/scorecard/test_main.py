from pathlib import Path

import pytest

from chaos.record import Result, Verdict, save_result, save_run
from chaos.scorecard.__main__ import code, main
from chaos.scorecard.summary import summarize
from tests.unit.chaos.scorecard.runs import finding, load, result, run, window

FAILED, PASSED, UNKNOWN = Verdict.FAILED, Verdict.PASSED, Verdict.UNKNOWN


def _saved(folder: Path, *results: Result) -> str:
    save_run(folder, run())
    for one in results:
        save_result(folder, one)
    return str(folder)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([result("a", PASSED)], 0),
        ([result("a", PASSED), result("b", FAILED), result("c", UNKNOWN)], 1),
        ([result("a", PASSED), result("b", UNKNOWN)], 3),
        ([], 3),
        ([result("a", PASSED, clean_up=finding(FAILED))], 4),
        ([result("a", PASSED, clean_up=finding(UNKNOWN))], 4),
        ([result("a", FAILED, clean_up=finding(FAILED))], 1),
        ([result("a", UNKNOWN, clean_up=finding(FAILED))], 3),
    ],
)
def test_the_exit_code_tells_the_verdict(results: list[Result], expected: int) -> None:
    assert code(summarize(run(), results)) == expected


def test_the_command_writes_its_three_files_beside_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _saved(tmp_path / "r", result("a", FAILED, requests=load(5, 10), windows=[window(2, 3)]))

    assert main([folder]) == 1
    assert {path.name for path in (tmp_path / "r").iterdir()} == {
        "run.json",
        "a.result.json",
        "scorecard.html",
        "summary.json",
        "junit.xml",
    }
    assert "<svg" in (tmp_path / "r" / "scorecard.html").read_text()
    assert "failed check 0: the check failed" in capsys.readouterr().out


def test_a_diff_exits_with_1_only_if_something_got_worse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = _saved(tmp_path / "good", result("a", PASSED)), _saved(tmp_path / "bad", result("a", FAILED))

    assert main(["diff", good, bad]) == 1
    assert main(["diff", bad, good]) == 0
    assert main(["diff", bad, bad]) == 0
    assert "no change beyond noise" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "{}"])
def test_a_folder_without_a_whole_run_is_said_to_be_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)

    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("scorecard: ")


@pytest.mark.parametrize(("arguments", "taught"), [([], "exit codes:"), (["diff"], "recovery   seconds until")])
def test_help_teaches(arguments: list[str], taught: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*arguments, "--help"])

    assert taught in capsys.readouterr().out
