import asyncio

import pytest

from services.common import tasks


async def test_a_task_that_lost_its_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_S", 0.01)
    lost = 0

    async def deaf() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
                if lost == 2:
                    raise

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await tasks.end(task)
    assert (task.cancelled(), lost) == (True, 2)


async def test_nothing_to_end_is_fine() -> None:
    await tasks.end()
