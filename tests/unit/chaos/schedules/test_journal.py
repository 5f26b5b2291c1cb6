from dataclasses import replace
from pathlib import Path

import pytest

from chaos.faults import Kill, Latency
from chaos.record import Verdict
from chaos.schedules import journal
from chaos.schedules.trial import Happened, summed_up
from tests.unit.chaos.schedules.trials import interval, schedule, trial

PLANNED = schedule(interval(Latency("query->redis"), 0.1, 1.0), interval(Kill("ollama"), 0.2, 1.5))
HAPPENED = (
    Happened("latency", 0.13, 0.2, 1.04, 1.1),
    Happened("kill", 0.41, 0.6, 1.52, 1.9),
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    first = replace(trial(PLANNED, "lost", name="001", happened=HAPPENED), smallest=PLANNED)
    second = trial(PLANNED, name="002", happened=HAPPENED)
    paths = [journal.write(tmp_path / "run", one) for one in (second, first)]
    assert journal.read(tmp_path / "run") == [first, second]
    assert journal.read(paths[0]) == [second]


def test_a_replay_has_the_times_at_which_faults_were_injected_and_healed() -> None:
    again = trial(PLANNED, happened=HAPPENED).as_it_happened
    assert [(one.start, one.end) for one in again.intervals] == [(0.13, 1.04), (0.41, 1.52)]
    assert [one.fault for one in again.intervals] == [one.fault for one in PLANNED.intervals]


def test_a_fault_that_never_came_to_be_keeps_its_planned_time() -> None:
    happened = (HAPPENED[0], Happened("kill", 0.41, None, None, 0.5))
    again = trial(PLANNED, happened=happened).as_it_happened
    assert again.intervals[1] == PLANNED.intervals[1]


def test_a_schedule_written_by_hand_is_run_as_planned() -> None:
    assert trial(PLANNED).as_it_happened == PLANNED


def test_a_journal_is_found_by_its_run_or_its_name(tmp_path: Path) -> None:
    journal.write(tmp_path / "run", trial(PLANNED, name="003"))
    assert journal.read(journal.find(tmp_path, "run/003")) == journal.read(journal.find(tmp_path, "run"))
    (tmp_path / "empty").mkdir()
    for name in ("run/004", "other", "empty"):
        with pytest.raises(journal.JournalError, match="no journal"):
            journal.find(tmp_path, name)


def test_a_check_is_as_bad_as_its_worst_schedule_and_names_those_that_did_not_pass() -> None:
    found = summed_up([trial(PLANNED, name="001"), trial(PLANNED, "lost", name="002")])
    by_check = {one.check: one for one in found}
    assert by_check["a check"].verdict is Verdict.PASSED
    assert by_check["lost"].verdict is Verdict.FAILED
    assert by_check["lost"].evidence == {"not passed": {"002": "bad"}}
    assert summed_up([]) == []
