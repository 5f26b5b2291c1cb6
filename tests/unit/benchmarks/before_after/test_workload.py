from collections import Counter
from itertools import islice

from benchmarks.before_after import workload
from chaos.questions import QUESTIONS


def test_the_same_seed_asks_the_same() -> None:
    first, second, other = (list(islice(workload.mixed("load", seed), 50)) for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_half_of_the_requests_ask_what_was_asked_before_and_the_others_something_new() -> None:
    asks = list(islice(workload.mixed("load", 1), 2000))
    repeated = [ask.values["question"] for ask in asks if "repeated" in ask.values]
    new = [ask.values["question"] for ask in asks if "repeated" not in ask.values]
    assert 0.45 < len(repeated) / len(asks) < 0.55
    assert set(repeated) == set(QUESTIONS)
    assert len(set(new)) == len(new)
    assert not set(new) & set(QUESTIONS)


def test_what_is_new_in_one_phase_is_new_in_the_next() -> None:
    phases = [
        {ask.values["question"] for ask in islice(workload.mixed(phase, 1), 200) if "repeated" not in ask.values}
        for phase in ("load", "faults")
    ]
    assert not phases[0] & phases[1]


def test_a_load_is_of_searches_above_all() -> None:
    kinds = Counter(ask.operation.name for ask in islice(workload.mixed("load", 1), 1000))
    assert 850 < kinds["search"] < 950
    assert {ask.operation.name for ask in islice(workload.one_kind("question", "alone", 1), 50)} == {"question"}


def test_the_warm_up_asks_everything_that_is_asked_again_once() -> None:
    assert [ask.values["question"] for ask in workload.repeated("search")] == list(QUESTIONS)
