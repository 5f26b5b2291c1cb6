import asyncio
import random

import pytest

from services.common.database import DatabaseUnavailableError
from services.common.errors import NotFoundError, ServiceError
from services.common.ollama import OllamaUnavailableError
from services.common.qdrant import QdrantUnavailableError
from services.ingestion.repeat import Patience


class Step:
    def __init__(self, *errors: ServiceError) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.calls


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    return slept


async def test_a_step_is_repeated_with_growing_pauses(pauses: list[float]) -> None:
    step = Step(*(OllamaUnavailableError("away") for _ in range(4)))
    assert await Patience(8, 1.0, 5.0).repeat(step) == 5
    assert pauses == [1.0, 2.0, 4.0, 5.0]


async def test_patience_ends_with_the_last_error(pauses: list[float]) -> None:
    step = Step(*(QdrantUnavailableError(str(n)) for n in range(9)))
    with pytest.raises(QdrantUnavailableError, match="2"):
        await Patience(3, 1.0, 5.0).repeat(step)
    assert (step.calls, len(pauses)) == (3, 2)


async def test_the_database_is_waited_for_however_long_it_takes(pauses: list[float]) -> None:
    step = Step(*(DatabaseUnavailableError("away") for _ in range(50)))
    assert await Patience(3, 1.0, 5.0).repeat(step) == 51
    assert set(pauses) == {1.0}


async def test_a_refusal_is_not_repeated(pauses: list[float]) -> None:
    with pytest.raises(NotFoundError):
        await Patience(3, 1.0, 5.0).repeat(Step(NotFoundError("no")))
    assert pauses == []
