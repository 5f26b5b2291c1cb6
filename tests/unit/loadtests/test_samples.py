from pathlib import Path

import pytest

from chaos.record import Outcome
from loadtests.samples import NAMES, Follower, Samples, load
from loadtests.tally import OUTCOMES, Tally, line

CACHED, LOST = OUTCOMES.index(Outcome.CACHED), OUTCOMES.index(Outcome.LOST)


def told(tally: Tally, generator: str = "1", at: float = 1.0, cpu_s: float = 0.5) -> str:
    return line(generator, at, cpu_s, tally.drain())


def test_what_is_counted_is_read_back() -> None:
    tally, samples = Tally(), Samples()
    tally.started(0.2, 0.003)
    tally.ended(0, 0.1, 0.0123, CACHED)
    tally.started(1.5, None)
    tally.ended(3, 0.9, 2.5, LOST)
    tally.wrong(3, "timeout")
    samples.add(told(tally))
    first = samples.seconds[0]
    assert (first.started, samples.seconds[1].started) == (1, 1)
    assert first.waited["search"] == pytest.approx([0.0123], abs=1e-5)
    assert first.waited[NAMES[3]] == pytest.approx([2.5], abs=2e-5)
    assert first.outcomes["search"] == {Outcome.CACHED: 1}
    assert first.late == pytest.approx([0.003], abs=1e-5)
    assert samples.errors == {(NAMES[3], "timeout"): 1}
    assert samples.cpu == {"1": [(1.0, 0.5)]}


def test_a_drain_takes_what_there_is_and_leaves_nothing() -> None:
    tally, samples = Tally(), Samples()
    for _ in range(2):
        tally.ended(0, 0.5, 0.01, CACHED)
        samples.add(told(tally))
    samples.add(told(tally))
    assert len(samples.seconds[0].waited["search"]) == 2


def test_a_start_that_is_hardly_late_is_not_noted() -> None:
    tally, samples = Tally(), Samples()
    tally.started(0.0, 0.0004)
    samples.add(told(tally))
    assert samples.seconds[0].late == []


def test_all_is_known_until_the_slowest_generator_has_told_it() -> None:
    samples = Samples()
    assert samples.until == 0
    samples.add(told(Tally(), "1", at=5.0))
    samples.add(told(Tally(), "2", at=4.0))
    assert samples.until == 4.0


def test_a_follower_reads_whole_lines_as_they_come(tmp_path: Path) -> None:
    file, samples = tmp_path / "samples.jsonl", Samples()
    follow = Follower(file, samples)
    follow.read()  # there is none yet
    one, two = told(Tally(), at=1.0), told(Tally(), at=2.0)
    file.write_text(one + two[:20])
    follow.read()
    assert samples.until == 1.0
    file.write_text(one + two)
    follow.read()
    assert samples.until == 2.0
    assert load(file).cpu == samples.cpu
