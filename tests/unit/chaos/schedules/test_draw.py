from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings

from chaos.faults import FAULTS, BadConfiguration, Program, from_json, to_json
from chaos.schedules import journal
from chaos.schedules.draw import COMPONENTS, EDGES, LAST_START_S, LONGEST_S, SHORTEST_S, schedules
from chaos.schedules.explore import explore
from chaos.schedules.schedule import MOST, Schedule, problems
from chaos.schedules.trial import Trial
from tests.unit.chaos.schedules.trials import stack, trial

EACH = settings(
    max_examples=60,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@EACH
@given(schedules())
def test_every_schedule_is_sound_and_has_a_few_faults_within_a_few_seconds(one: Schedule) -> None:
    assert not list(problems(one))
    assert 1 <= len(one.intervals) <= MOST
    assert one.ends <= LAST_START_S + LONGEST_S
    for interval in one.intervals:
        assert SHORTEST_S - 0.01 <= interval.end - interval.start <= LONGEST_S + 0.01


@EACH
@given(schedules())
def test_every_schedule_can_be_written_and_read(one: Schedule) -> None:
    made = trial(one)
    assert journal.TRIAL.validate_json(journal.TRIAL.dump_json(made)) == made
    for interval in one.intervals:
        assert to_json(from_json(interval.fault)) == interval.fault


def drawn(count: int, seed: int) -> list[Trial]:
    return explore(schedules(), stack(lambda _: None), count=count, seeded=seed, shrink_s=1)


def test_a_seed_decides_what_is_drawn() -> None:
    first, again, other = (drawn(6, seed) for seed in (1, 1, 2))
    assert [one.schedule for one in first] == [one.schedule for one in again]
    assert [one.schedule for one in first] != [one.schedule for one in other]


def test_all_kinds_are_drawn_that_can_be_combined_and_most_schedules_have_several_faults() -> None:
    trials = drawn(80, 3)
    kinds = {interval.fault["kind"] for one in trials for interval in one.schedule.intervals}
    single = Counter(len(one.schedule.intervals) for one in trials)[1]
    assert {BadConfiguration.kind, Program.kind}.isdisjoint(kinds)
    assert len(kinds) == 14
    assert kinds <= FAULTS.keys()
    assert single < len(trials) / 2


def test_what_injects_and_what_is_asked_are_left_alone() -> None:
    assert {"toxiproxy", "kong"}.isdisjoint(COMPONENTS)
    assert not [edge for edge in EDGES if edge.startswith(("migrations", "models"))]


@EACH
@given(schedules())
def test_no_page_comes_over_an_edge_of_the_gateway(one: Schedule) -> None:
    for interval in one.intervals:
        assert not (interval.target.startswith("kong->") and interval.fault.get("answer") == "page")
