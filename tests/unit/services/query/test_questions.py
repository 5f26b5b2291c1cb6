import asyncio
from collections.abc import Sequence

import pytest

from services.common import deadline
from services.common.deadline import DeadlineExceededError
from services.common.middleware.request_id import request_id
from services.common.ollama import BATCH, OllamaRefusedError, OllamaUnavailableError
from services.query import questions as module
from services.query.questions import CALLS, Questions
from tests.servers import eventually


class Model:
    """Embeds when a test lets it: each text's vector is its length."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.ids: list[str | None] = []
        self.cancelled = 0
        self.free = asyncio.Event()
        self.free.set()
        self.error: Exception | None = None
        self.bad: set[str] = set()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.calls.append(list(texts))
        self.ids.append(request_id.get())
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        if self.bad.intersection(texts):
            raise OllamaRefusedError("Ollama answered 500: NaN")
        return [[float(len(text))] for text in texts]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def questions(model: Model, monkeypatch: pytest.MonkeyPatch) -> Questions:
    monkeypatch.setattr(module, "LINGER_S", 3600)  # nothing but the end of a call sends what gathers
    return Questions(model.embed)


async def asking(questions: Questions, *texts: str) -> list[asyncio.Task[list[float]]]:
    """Tasks that have asked."""
    tasks = [asyncio.create_task(questions.vector(text)) for text in texts]
    await asyncio.sleep(0)
    return tasks


async def occupied(model: Model, questions: Questions) -> list[asyncio.Task[list[float]]]:
    """As many calls as may be under way at once."""
    model.free.clear()
    tasks = await asking(questions, *["busy"] * CALLS)
    await eventually(lambda: len(model.calls) == CALLS)
    return tasks


async def test_a_question_that_comes_alone_is_embedded_at_once_and_alone(model: Model, questions: Questions) -> None:
    assert await questions.vector("one") == [3.0]
    assert await questions.vector("three") == [5.0]
    assert model.calls == [["one"], ["three"]]


async def test_questions_that_come_meanwhile_go_together_and_each_gets_its_own(
    model: Model, questions: Questions
) -> None:
    busy = await occupied(model, questions)
    waiting = await asking(questions, "a", "bb", "ccc")
    assert len(model.calls) == CALLS
    model.free.set()
    assert await asyncio.gather(*waiting) == [[1.0], [2.0], [3.0]]
    assert model.calls[CALLS:] == [["a", "bb", "ccc"]]
    await asyncio.gather(*busy)


async def test_a_full_batch_does_not_wait(model: Model, questions: Questions) -> None:
    busy = await occupied(model, questions)
    waiting = await asking(questions, *["x"] * (BATCH + 1))
    await eventually(lambda: len(model.calls) == CALLS + 1)
    assert len(model.calls[-1]) == BATCH
    model.free.set()
    await asyncio.gather(*busy, *waiting)
    assert len(model.calls) == CALLS + 2


async def test_calls_that_hang_hold_up_the_next_for_a_moment_only(
    model: Model, questions: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINGER_S", 0.01)
    busy = await occupied(model, questions)
    waiting = await asking(questions, "a", "b")
    await eventually(lambda: model.calls[CALLS:] == [["a", "b"]])
    model.free.set()
    await asyncio.gather(*busy, *waiting)


async def test_who_leaves_before_the_call_is_not_asked_for(model: Model, questions: Questions) -> None:
    busy = await occupied(model, questions)
    leaving, staying = await asking(questions, "leaving", "staying")
    leaving.cancel()
    await asyncio.wait({leaving})
    model.free.set()
    assert await staying == [7.0]
    assert model.calls[CALLS:] == [["staying"]]
    await asyncio.gather(*busy)


async def test_who_leaves_during_the_call_does_not_end_it_but_the_last_one_does(
    model: Model, questions: Questions
) -> None:
    busy = await occupied(model, questions)
    waiting = await asking(questions, *["x"] * BATCH)
    await eventually(lambda: len(model.calls) == CALLS + 1)
    for task in waiting[1:]:
        task.cancel()
    await asyncio.wait(waiting[1:])
    assert model.cancelled == 0
    waiting[0].cancel()
    await eventually(lambda: model.cancelled == 1)
    model.free.set()
    await asyncio.gather(*busy)


async def test_a_question_that_the_model_cannot_embed_does_not_take_the_others_with_it(
    model: Model, questions: Questions
) -> None:
    busy = await occupied(model, questions)
    model.bad = {"bad"}
    waiting = await asking(questions, "a", "bad", "bb")
    model.free.set()
    one, bad, other = await asyncio.gather(*waiting, return_exceptions=True)
    assert (one, other) == ([1.0], [2.0])
    assert isinstance(bad, OllamaRefusedError)
    assert model.calls[CALLS:] == [["a", "bad", "bb"], ["a"], ["bad"], ["bb"]]
    await asyncio.gather(*busy)


@pytest.mark.parametrize("error", [OllamaUnavailableError("away"), ZeroDivisionError()])
async def test_a_model_that_is_away_is_not_asked_for_each_by_itself(
    model: Model, questions: Questions, error: Exception
) -> None:
    busy = await occupied(model, questions)
    waiting = await asking(questions, "a", "b")
    model.error = error
    model.free.set()
    assert await asyncio.gather(*waiting, return_exceptions=True) == [error, error]
    assert model.calls[CALLS:] == [["a", "b"]]
    await asyncio.gather(*busy, return_exceptions=True)


async def test_each_minds_its_own_time(model: Model, questions: Questions) -> None:
    busy = await occupied(model, questions)

    async def hurried() -> list[float]:
        deadline.start(0.02)
        return await questions.vector("hurried")

    hurry = asyncio.create_task(hurried())
    (patient,) = await asking(questions, "patient")
    with pytest.raises(DeadlineExceededError):
        await hurry
    model.free.set()
    assert await patient == [7.0]
    await asyncio.gather(*busy)


async def test_a_call_goes_by_the_id_of_the_first_it_is_made_for(model: Model, questions: Questions) -> None:
    async def known(name: str) -> None:
        request_id.set(name)
        await questions.vector(name)

    busy = await occupied(model, questions)
    waiting = [asyncio.create_task(known(name)) for name in ("one", "other")]
    await asyncio.sleep(0)
    model.free.set()
    await asyncio.gather(*waiting, *busy)
    assert (model.calls[CALLS:], model.ids[CALLS:]) == ([["one", "other"]], ["one"])
