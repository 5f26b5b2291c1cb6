import pytest

from services.common import retry
from services.common.retry import RetryBudget


class Calls:
    """Fails so many times, then answers."""

    def __init__(self, failing: int, error: type[Exception] = ConnectionResetError) -> None:
        self.made, self.failing, self.error = 0, failing, error

    async def __call__(self) -> int:
        self.made += 1
        if self.made <= self.failing:
            raise self.error
        return self.made


def breaks(error: Exception) -> bool:
    return isinstance(error, ConnectionResetError)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSE_S", (0.0, 0.0))


async def test_a_call_that_breaks_is_made_once_more() -> None:
    assert await RetryBudget("t").twice(Calls(1), after=breaks) == 2


async def test_a_call_is_made_twice_at_most() -> None:
    calls = Calls(2)
    with pytest.raises(ConnectionResetError):
        await RetryBudget("t").twice(calls, after=breaks)
    assert calls.made == 2


async def test_other_failures_are_not_tried_again() -> None:
    calls = Calls(1, TimeoutError)
    with pytest.raises(TimeoutError):
        await RetryBudget("t").twice(calls, after=breaks)
    assert calls.made == 1


async def test_retries_add_ten_per_cent_at_most_however_much_fails() -> None:
    budget, made = RetryBudget("t"), 0
    for _ in range(1000):
        calls = Calls(9)
        with pytest.raises(ConnectionResetError):
            await budget.twice(calls, after=breaks)
        made += calls.made
    assert 1095 <= made <= 1101


async def test_what_calm_times_earn_is_bounded() -> None:
    budget = RetryBudget("t")
    for _ in range(1000):
        await budget.twice(Calls(0), after=breaks)
    made = 0
    for _ in range(20):
        calls = Calls(9)
        with pytest.raises(ConnectionResetError):
            await budget.twice(calls, after=breaks)
        made += calls.made
    assert made <= 20 + 12
