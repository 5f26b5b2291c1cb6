from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp import ClientConnectionError
from psycopg import OperationalError

from chaos import experiment
from chaos.experiment import Entry, Experiment
from chaos.suite import Suite


@pytest.fixture
def of_no_stack(monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """An experiment with nothing to ask, that waits as long as its conditions say."""
    monkeypatch.setattr(experiment, "POLL_S", 0.001)
    return Experiment(cast(Suite, SimpleNamespace(stack=None)), Entry("one", "One.", ()))


def answers(*of: bool | Exception) -> Callable[[], Awaitable[bool]]:
    """One after the other, the last of them for ever."""
    left = list(of)

    async def answer() -> bool:
        now = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(now, Exception):
            raise now
        return now

    return answer


@pytest.mark.parametrize("refused", [ClientConnectionError("a service"), OperationalError("the database")])
async def test_what_is_not_there_yet_does_not_break_a_wait_off(of_no_stack: Experiment, refused: Exception) -> None:
    seconds = await of_no_stack.until(answers(refused, False, True), within_s=5.0)
    assert seconds is not None
    assert 0 < seconds < 5.0


@pytest.mark.parametrize("never", [False, ClientConnectionError("refused")])
async def test_a_wait_has_an_end(of_no_stack: Experiment, never: bool | Exception) -> None:
    assert await of_no_stack.until(answers(never), within_s=0.01) is None


async def test_what_is_wrong_otherwise_breaks_a_wait_off(of_no_stack: Experiment) -> None:
    with pytest.raises(KeyError):
        await of_no_stack.until(answers(KeyError("no such breaker")), within_s=5.0)


def test_no_two_tries_ask_the_same() -> None:
    suite = cast(Suite, SimpleNamespace(stack=None, run=SimpleNamespace(id="r")))
    first, second = (Experiment(suite, Entry("one", "One.", ())) for _ in range(2))
    assert first.unique == first.unique != second.unique
