from pathlib import Path

import pytest

from loadtests.generator import Layout, first_command, free_port, without_settings, worker_command
from loadtests.plan import PLAN, Plan, slots
from loadtests.shapes import SHAPES, Stage

URL = "http://127.0.0.1:8000"


def test_one_process_is_no_master() -> None:
    command = first_command(Layout(), URL)
    assert "--headless" in command
    assert "--master" not in command
    assert Layout().generators == 1


def test_a_master_waits_for_workers_here_and_elsewhere() -> None:
    layout = Layout(local=1, remote=2, bind="10.0.0.5", port=5557)
    command = first_command(layout, URL)
    assert command[command.index("--expect-workers") + 1] == "3"
    assert command[command.index("--master-bind-host") + 1] == "10.0.0.5"
    assert layout.generators == 3
    assert worker_command("10.0.0.5", 5557)[-4:] == ["--master-host", "10.0.0.5", "--master-port", "5557"]


def test_locusts_page_is_for_this_machine_only() -> None:
    command = first_command(Layout(ui=8089), URL)
    assert command[command.index("--web-host") + 1] == "127.0.0.1"
    assert "--headless" not in command


def test_no_setting_of_locusts_changes_the_load() -> None:
    kept = without_settings({"LOCUST_HOST": "http://production", "HOME": "/home/somebody", "PATH": "/bin"})
    assert "LOCUST_HOST" not in kept
    assert kept["PATH"] == "/bin"
    assert not (Path(kept["HOME"]) / ".locust.conf").exists()


def test_a_free_port_is_free() -> None:
    assert 1024 < free_port() < 65536


@pytest.mark.parametrize(("rate", "count"), [(10, 64), (1000, 250), (100_000, 2000)])
def test_the_slots_are_for_answers_that_take_a_quarter_of_a_second(rate: float, count: int) -> None:
    assert slots([Stage("a", 10, rate / 2, rate)]) == count


def test_a_plan_survives_its_file_and_its_message(tmp_path: Path) -> None:
    plan = Plan("r", URL, ("secret",), "reads", SHAPES["spike"].built(), 250, "samples", 2)
    plan.save(tmp_path / "plan.json")
    assert PLAN.validate_json((tmp_path / "plan.json").read_bytes()).message() == plan.message()
    assert PLAN.validate_python(plan.message()).stages[0] == plan.stages[0]
    assert (tmp_path / "plan.json").stat().st_mode & 0o077 == 0
    assert "secret" not in repr(plan)
