from collections.abc import Sequence

import pytest

from chaos.contract import table
from chaos.faults import BlackHole, Down, Fault, FullCache, Garbage, Kill, Latency, Partition, Pause, Restart
from chaos.record import Finding, Outcome, Request, Verdict
from chaos.schedules import promises
from chaos.schedules.draw import COMPONENTS, EDGES
from chaos.schedules.promises import Felt, declared_answers, promised
from chaos.schedules.stage import MIX
from infra.topology import QDRANT_NODES
from tests.unit.chaos.schedules.trials import interval

CONTRACT = table.load()


def names(endpoint: str, *faults: Fault) -> set[str]:
    return {answer.name for answer in promised(endpoint, [interval(one) for one in faults], CONTRACT).answers}


def test_without_a_fault_only_the_calms_answers_are_promised() -> None:
    assert promised("search", [], CONTRACT) == CONTRACT.calm["search"]


def test_a_fault_allows_what_its_outage_does_besides_what_calm_does() -> None:
    assert names("search", Down("query->ollama")) == {"live", "fresh", "stale", "unavailable"}
    assert names("collections", Down("query->ollama")) == {"live"}
    assert names("jobs", Pause("timescaledb")) == {"live", "unavailable"}


def test_faults_together_allow_what_each_allows_and_no_more() -> None:
    assert names("search", FullCache(), Restart("timescaledb")) == {"live", "fresh"}
    assert names("jobs", FullCache(), Restart("timescaledb")) == {"live", "unavailable"}


def test_a_search_is_answered_while_one_node_of_three_can_be_reached() -> None:
    two: list[Fault] = [Down("query->qdrant-0"), Kill("qdrant-1", stays_down=True)]
    assert names("search", *two) == {"live", "fresh"}
    assert names("search", *two, Partition("qdrant-2")) == {"live", "fresh", "stale", "unavailable"}


@pytest.mark.parametrize("fault", [Kill("query"), Pause("query"), Down("kong->query")])
def test_the_gateways_own_errors_may_be_got_on_its_way_to_a_service_alone(fault: Fault) -> None:
    assert {"gateway error", "cut off"} <= names("search", fault)
    assert "gateway error" not in names("collections", fault)


def test_a_service_that_another_asks_is_an_outage_of_that_others_caller() -> None:
    assert names("rag-search", Kill("query")) == {"live", "fresh", "unavailable"}
    assert names("reindex", Garbage("collections->ingestion")) == {"live", "unavailable"}


def test_no_fault_gives_anybody_more_time() -> None:
    everything = [interval(BlackHole(edge)) for edge in EDGES]
    for endpoint in MIX:
        if endpoint != "cached":
            assert promised(endpoint, everything, CONTRACT).within_s == CONTRACT.calm[endpoint].within_s


def test_the_tables_name_only_what_there_is() -> None:
    targets = {*EDGES, *COMPONENTS}
    assert promises.DEPENDENCIES.keys() <= targets
    assert promises.NODES.keys() <= targets
    assert set(promises.NODES.values()) == set(QDRANT_NODES)
    assert set(promises.DEPENDENCIES.values()) <= CONTRACT.dependencies.keys()
    assert set(promises.KINDS.values()) <= CONTRACT.kinds.keys()
    assert set(promises.SERVICES) == MIX.keys() - {"cached"}
    assert set(promises.HONEST) <= CONTRACT.answers.keys()


def got(
    number: int, outcome: Outcome, status: int | None, *, ended: float = 2.0, headers: Sequence[str] = ()
) -> Request:
    return Request(number, "search", 1.0, 1.0, ended, status, outcome, dict.fromkeys(headers, "true"))


def judged(odd: list[Request], fault: Fault, *, begun: float = 0.0, in_time: bool = True) -> Finding:
    live = [got(number, Outcome.LIVE, 200) for number in range(100, 130)]
    felt = [Felt(interval(fault), begun)]
    return declared_answers([*live, *odd], felt, CONTRACT, in_time=in_time, least=10)


BAD_GATEWAY = got(1, Outcome.ERROR, 502)
REFUSED = got(2, Outcome.UNAVAILABLE, 503, headers=["retry-after"])


def test_an_undeclared_answer_fails() -> None:
    assert judged([BAD_GATEWAY], Down("query->redis")).verdict is Verdict.FAILED
    assert judged([got(1, Outcome.LOST, None)], Kill("query")).verdict is Verdict.FAILED
    assert judged([got(1, Outcome.ERROR, 500)], Kill("query")).verdict is Verdict.FAILED
    assert judged([BAD_GATEWAY], Kill("query")).verdict is Verdict.PASSED


def test_an_answer_too_late_fails() -> None:
    assert judged([got(1, Outcome.LIVE, 200, ended=20.0)], Latency("query->redis")).verdict is Verdict.FAILED


def test_what_ended_before_the_fault_began_was_promised_what_calm_promises() -> None:
    assert judged([BAD_GATEWAY], Kill("query"), begun=1.9).verdict is Verdict.PASSED
    early = Request(1, "search", 0.0, 0.0, 0.5, 502, Outcome.ERROR)
    assert judged([early], Kill("query"), begun=1.0).verdict is Verdict.FAILED


def test_a_few_honest_refusals_need_no_fault_and_many_do() -> None:
    many = [got(number, Outcome.UNAVAILABLE, 503, headers=["retry-after"]) for number in range(20)]
    assert judged([REFUSED], FullCache()).verdict is Verdict.PASSED
    assert judged(many, FullCache()).verdict is Verdict.FAILED
    assert judged(many, Down("query->ollama")).verdict is Verdict.PASSED


def test_of_a_machine_too_busy_to_ask_in_time_many_refusals_tell_nothing_but_a_wrong_answer_does() -> None:
    many = [got(number, Outcome.UNAVAILABLE, 503, headers=["retry-after"]) for number in range(20)]
    assert judged(many, FullCache(), in_time=False).verdict is Verdict.UNKNOWN
    assert judged([got(1, Outcome.ERROR, 500)], FullCache(), in_time=False).verdict is Verdict.FAILED


def test_faults_that_nobody_felt_prove_nothing() -> None:
    assert judged([], FullCache(), begun=99.0).verdict is Verdict.UNKNOWN


def test_the_kinds_are_those_that_are_drawn() -> None:
    assert len(promises.KINDS) == 14
