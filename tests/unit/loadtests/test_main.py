import pytest

from loadtests.__main__ import main
from loadtests.shapes import SHAPES


def test_the_list_has_every_shape_and_the_reason_of_every_share(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in SHAPES)
    assert "search-uncached  50" in said


def test_the_hosts_are_told_what_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hosts", "--workers", "3", "--leader", "10.0.0.5", "--host", "http://10.0.0.9:8000"]) == 0
    said = capsys.readouterr().out
    assert "run --shape sustained --host http://10.0.0.9:8000 --remote 3 --bind 10.0.0.5 --port 5557" in said
    assert said.count("worker --leader 10.0.0.5 --port 5557") == 3


@pytest.mark.parametrize("command", [[], ["run"], ["hosts"], ["worker"], ["report"]])
def test_help_teaches(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert "python -m loadtests" in capsys.readouterr().out


def test_what_cannot_run_exits_with_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    assert main(["run", "--host", "http://127.0.0.1:9"]) == 2
    assert main(["run", "--rate", "0"]) == 2
    monkeypatch.setenv("TOKEN", "t")
    assert main(["run", "--host", "http://127.0.0.1:9"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert ["TOKEN" in said[0], "rate" in said[1], "does not answer" in said[2]] == [True, True, True]


@pytest.mark.parametrize("wrong", [["run", "--stack", "a", "--host", "http://h"], ["run", "--workers", "-1"], []])
def test_a_wrong_command_line_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
