"""Embeds the questions of several searches in one call to the model.

A question that comes alone is not held up. While CALLS calls are under way, further questions gather; they go together
as soon as one of these has ended, or after LINGER_S, so that a call that hangs holds up nothing but itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from prometheus_client import Histogram

from services.common import deadline
from services.common.deadline import DeadlineExceededError
from services.common.ollama import BATCH, OllamaRefusedError

CALLS = 2  # so that the model has its next work when it has done one
LINGER_S = 0.02  # about what a call takes

TOGETHER = Histogram("embedding_questions", "Questions embedded in one call", buckets=(1, 2, 4, 8, BATCH))

Vector = list[float]
Answer = asyncio.Future[Vector]


@dataclass(eq=False)
class _Batch:
    """Questions that are embedded together, by who waits for their vectors."""

    waiting: dict[Answer, str] = field(default_factory=dict)
    context: Context = field(default_factory=copy_context)  # the first one's, for the log and the request id
    timer: asyncio.TimerHandle | None = None
    call: asyncio.Task[None] | None = None

    def leave(self, answer: Answer) -> None:
        self.waiting.pop(answer, None)
        if not self.waiting and self.call:
            self.call.cancel()


class Questions:
    """Embeds each question by `embed`, which takes several texts and gives a vector for each."""

    def __init__(self, embed: Callable[[Sequence[str]], Awaitable[list[Vector]]]) -> None:
        self._embed = embed
        self._gathering: _Batch | None = None
        self._under_way = 0

    async def vector(self, question: str) -> Vector:
        """The question's vector; raises what embedding it raises, and DeadlineExceededError."""
        if self._under_way < CALLS and self._gathering is None:
            return await self._alone(question)
        answer: Answer = asyncio.get_running_loop().create_future()
        batch = self._gather(answer, question)
        try:
            await asyncio.wait({answer}, timeout=deadline.left())
        finally:
            batch.leave(answer)
            failed = answer.exception() if answer.done() else None  # seen, also where a cancellation came with it
        if failed:
            raise failed
        if not answer.done():
            raise DeadlineExceededError("the request's time is over")
        return answer.result()

    async def _alone(self, question: str) -> Vector:
        TOGETHER.observe(1)
        self._under_way += 1
        try:
            (vector,) = await self._embed([question])
        finally:
            self._ended()
        return vector

    def _gather(self, answer: Answer, question: str) -> _Batch:
        batch = self._gathering = self._gathering or _Batch()
        batch.waiting[answer] = question
        if len(batch.waiting) == BATCH:
            self._send()
        elif batch.timer is None:
            batch.timer = asyncio.get_running_loop().call_later(LINGER_S, self._send)
        return batch

    def _send(self) -> None:
        batch, self._gathering = self._gathering, None
        if batch is None:
            return
        if batch.timer:
            batch.timer.cancel()
        if batch.waiting:
            batch.call = asyncio.create_task(self._call(batch.waiting), context=batch.context)
            batch.call.add_done_callback(self._ended)
            self._under_way += 1

    def _ended(self, *_: object) -> None:
        self._under_way -= 1
        self._send()

    async def _call(self, waiting: Mapping[Answer, str]) -> None:
        deadline.start(None)  # the first one's time must not end what others wait for; each minds its own
        asked = dict(waiting)
        TOGETHER.observe(len(asked))
        try:
            vectors = await self._embed(list(asked.values()))
        except OllamaRefusedError as error:
            if len(asked) == 1:
                _fail(asked, error)
            else:  # one question must not take the others with it
                await asyncio.gather(*(self._call({one: text}) for one, text in asked.items() if one in waiting))
        except Exception as error:  # noqa: BLE001  # whatever it is: those who wait have to know
            _fail(asked, error)
        else:
            for answer, vector in zip(asked, vectors, strict=True):
                if not answer.done():
                    answer.set_result(vector)


def _fail(asked: Mapping[Answer, str], error: Exception) -> None:
    for answer in asked:
        if not answer.done():
            answer.set_exception(error)
