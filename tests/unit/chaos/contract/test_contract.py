from dataclasses import replace
from typing import Any

import pytest

from chaos.contract.contract import Answer, ContractError, Promise
from chaos.contract.table import load
from chaos.record import Outcome, Request

STALE = Answer("stale", "", Outcome.DEGRADED, frozenset({200}), ("x-from-cache", "x-service-degraded"))
BROKEN = Answer("broken-off", "", Outcome.ERROR, frozenset({200}), last_event="error")
HEADERS = {"x-from-cache": "true", "x-service-degraded": "true"}
REQUEST = Request(1, "search", 0.0, 0.1, 2.0, 200, Outcome.DEGRADED, HEADERS)


def test_an_answer_has_its_outcome_status_and_headers() -> None:
    assert STALE.has(REQUEST)


@pytest.mark.parametrize(
    "different",
    [{"outcome": Outcome.LIVE}, {"status": 206}, {"headers": {"x-from-cache": "true"}}, {"status": None}],
)
def test_an_answer_that_differs_in_any_of_them_is_of_another_class(different: dict[str, Any]) -> None:
    assert not STALE.has(replace(REQUEST, **different))


def test_a_stream_that_says_why_it_ends_is_told_from_a_useless_success() -> None:
    useless = replace(REQUEST, outcome=Outcome.ERROR)
    assert not BROKEN.has(useless)
    assert BROKEN.has(replace(useless, about={"last_event": "error"}))


def test_a_promise_counts_from_the_intended_start() -> None:
    assert Promise((BROKEN, STALE), 2.0).kept(REQUEST)
    assert not Promise((STALE,), 1.95).kept(REQUEST)
    assert not Promise((BROKEN,), 2.0).kept(REQUEST)
    assert str(Promise((BROKEN, STALE), 2.0)) == "broken-off or stale within 2 s"


def test_what_the_contract_does_not_know_is_not_guessed() -> None:
    with pytest.raises(ContractError, match="nothing is promised of search while mars is down"):
        load().promise("mars", "down", "search")
