import pytest

from benchmarks.before_after.schedule import FAILURES, LASTS_S, RESTS_S, STACKS, plan, schedule
from chaos import faults
from infra.settings import DefaultConfig, read_settings
from infra.topology import topology


def test_a_seed_draws_the_order_and_the_times_and_always_the_same() -> None:
    assert schedule(FAILURES, 1) == schedule(FAILURES, 1)
    assert [slot.says for slot in schedule(FAILURES, 1)] != [slot.says for slot in schedule(FAILURES, 2)]


def test_each_failure_comes_once_and_one_begins_where_the_rest_after_another_ends() -> None:
    slots = schedule(FAILURES, 1)
    assert sorted(slot.says for slot in slots) == sorted(failure.says for failure in FAILURES)
    assert [slot.begin for slot in slots] == [0.0, *(slot.end for slot in slots[:-1])]
    assert all(LASTS_S[0] <= slot.heal - slot.begin <= LASTS_S[1] for slot in slots)
    assert all(slot.end - slot.heal == pytest.approx(RESTS_S) for slot in slots)


def test_the_fault_of_a_slot_is_the_failures() -> None:
    by_name = {failure.says: failure.fault for failure in FAILURES}
    for slot in schedule(FAILURES, 1):
        assert faults.from_json(slot.fault) == by_name[slot.says]


@pytest.mark.parametrize("name", STACKS)
def test_each_stack_has_what_the_faults_hit(name: str) -> None:
    settings = read_settings(DefaultConfig(**STACKS[name]), name)
    shape = topology(chaos=settings.chaos, qdrant_nodes=settings.qdrant_nodes)
    there = {edge.name for edge in shape.edges} | set(shape.by_name)
    assert {failure.fault.target for failure in FAILURES} <= there


def test_the_stacks_differ_in_cache_breakers_and_cluster_only() -> None:
    before, after = STACKS.values()
    assert {name for name in before if before[name] != after[name]} == {"cache", "breakersForcedClosed", "qdrantNodes"}
    assert before.keys() == after.keys()


def test_all_of_it_takes_the_time_that_is_promised() -> None:
    assert 60 < plan(5, quick=False).schedule_s < 85
    assert plan(5, quick=True).schedule_s < 35
