"""What takes too long for a look: it is made beside the looks, which take what has come by then."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """Makes one thing again and again, never two at once.

    Args:
        spared: for how many times as long as it took to make one nothing is made afterwards.
    """

    def __init__(
        self, make: Callable[[], T], pool: Executor, clock: Callable[[], float], spared: Callable[[T], float]
    ) -> None:
        self._make = make
        self._pool = pool
        self._clock = clock
        self._spared = spared
        self._making: Future[tuple[T, float]] | None = None
        self._stale = False
        self._due_at = float("-inf")

    def anew(self) -> None:
        """What is being made now is for nobody, and the next one is made as soon as it has come."""
        self._stale = self._making is not None
        self._due_at = float("-inf")

    def came(self) -> list[T]:
        """The one that has come since the last call, if one has; raises what making it raised."""
        came = self._taken()
        if self._making is None and self._clock() >= self._due_at:
            self._making = self._pool.submit(self._timed)
        return came or self._taken()

    def _taken(self) -> list[T]:
        if self._making is None or not self._making.done():
            return []
        making, self._making = self._making, None
        if self._stale:
            self._stale = False
            return []
        made, took_s = making.result()
        self._due_at = self._clock() + self._spared(made) * took_s
        return [made]

    def _timed(self) -> tuple[T, float]:
        began = self._clock()
        made = self._make()
        return made, self._clock() - began
