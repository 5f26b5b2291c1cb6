"""Reads documents ahead of those that are being embedded."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from services.common.tasks import end

T = TypeVar("T")


async def batches(
    paths: Iterable[str],
    read: Callable[[str], Coroutine[Any, Any, T]],
    *,
    ahead: int,
    full: Callable[[Sequence[T]], bool],
) -> AsyncGenerator[list[T], None]:
    """What `read` gives for the paths, in their order, `ahead` of them at a time.

    Each batch has at least one; those that are ready come with it until it is `full`.
    """
    waiting = iter(paths)
    reading: deque[asyncio.Task[T]] = deque()
    try:
        while True:
            while len(reading) < ahead and (path := next(waiting, None)) is not None:
                reading.append(asyncio.create_task(read(path)))
            if not reading:
                return
            batch = [await reading.popleft()]
            while reading and reading[0].done() and not full(batch):
                batch.append(reading.popleft().result())
            yield batch
    finally:
        await end(*reading)
