"""Repeats a step whose dependency is away."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from services.common.database import DatabaseUnavailableError
from services.common.ollama import OllamaUnavailableError
from services.common.qdrant import QdrantUnavailableError

T = TypeVar("T")
TRANSIENT = (OllamaUnavailableError, QdrantUnavailableError)
DATABASE_PAUSE_S = 1.0


@dataclass(frozen=True)
class Patience:
    """How often a step is tried, and the pauses in between: doubling, jittered, in seconds."""

    attempts: int
    first_pause_s: float
    longest_pause_s: float

    async def repeat(self, step: Callable[[], Awaitable[T]]) -> T:
        """What the step returns; raises its last OllamaUnavailableError or QdrantUnavailableError.

        While the database is away it goes on for ever: nothing, not even a failure, could be recorded.
        """
        failures = 0
        while True:
            try:
                return await step()
            except DatabaseUnavailableError:
                pause = min(DATABASE_PAUSE_S, self.longest_pause_s)
            except TRANSIENT:
                failures += 1
                if failures == self.attempts:
                    raise
                pause = min(self.first_pause_s * 2 ** (failures - 1), self.longest_pause_s)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter, no secret
