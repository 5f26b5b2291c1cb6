from math import inf
from pathlib import Path

from infra.rollout import journal
from infra.rollout.journal import Action, Conclusion, Entry, Line, Look
from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.measurements import Check, Measurements, Traffic

ENTRIES: tuple[Entry, ...] = (
    Action("release one alone", done=False),
    Look(
        *(1, "to 10 %", {"query": 10}, 10.0),
        Measurements(4.0, Traffic(100, 2, {0.25: 99, inf: 1}), checks=(Check("search", "candidate", True, "found 3"),)),
        (Judgement("errors", Verdict.UNHEALTHY, inf, 0.05, "2 of 100"),),
    ),
    Conclusion("undo", "errors: 2 of 100", ("errors",)),
)


def test_a_journal_reads_as_it_was_written(tmp_path: Path) -> None:
    note = journal.writer(tmp_path / "id", clock=lambda: 7.5)
    for entry in ENTRIES:
        note(entry)
    assert journal.read(tmp_path / "id") == [Line(7.5, entry) for entry in ENTRIES]
    assert journal.read(tmp_path / "other") == []


def test_a_line_that_a_kill_cut_off_is_left_out_and_the_next_one_is_not(tmp_path: Path) -> None:
    note = journal.writer(tmp_path, clock=lambda: 0.0)
    note(ENTRIES[0])
    note(ENTRIES[1])
    path = tmp_path / journal.JOURNAL
    path.write_bytes(path.read_bytes()[:-20])
    assert [line.entry for line in journal.read(tmp_path)] == [ENTRIES[0]]
    note(ENTRIES[2])
    assert [line.entry for line in journal.read(tmp_path)] == [ENTRIES[0], ENTRIES[2]]
