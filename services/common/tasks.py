"""Ends tasks for certain."""

import asyncio
from typing import Any

AGAIN_S = 0.5  # longer than what a task does when cancelled


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks until they have ended.

    Once is not always enough: psycopg's pool loses a cancellation that comes just as it hands out a connection.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
