from concurrent.futures import Executor, Future
from typing import Any

import pytest

from infra.rollout.aside import Aside


class Later(Executor):
    """Makes what it was given when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Any]] = []

    def submit(self, fn: Any, /, *_: Any, **__: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        self.waiting.append((future, fn))
        return future

    def work(self) -> None:
        for future, fn in self.waiting:
            try:
                future.set_result(fn())
            except OSError as error:
                future.set_exception(error)
        self.waiting.clear()


class World:
    def __init__(self, *made: str | OSError, took_s: float = 0.0) -> None:
        self.now, self.pool, self.took_s, self.rest = 0.0, Later(), took_s, list(made)
        self.aside = Aside(self.make, self.pool, lambda: self.now, lambda made: 0 if made == "bad" else 4)

    def make(self) -> str:
        self.now += self.took_s
        made = self.rest.pop(0)
        if isinstance(made, OSError):
            raise made
        return made

    def came(self, after_s: float = 0.0) -> list[str]:
        self.now += after_s
        return self.aside.came()


def test_it_comes_once_when_it_is_made() -> None:
    world = World("one", "two")
    assert world.came() == world.came() == []
    assert len(world.pool.waiting) == 1  # never two at once
    world.pool.work()
    assert world.came() == ["one"]
    assert world.came() == []
    world.pool.work()
    assert world.came() == ["two"]


def test_the_next_one_waits_as_many_times_as_long_as_it_took() -> None:
    world = World("one", "bad", "three", took_s=2.0)
    world.came()
    world.pool.work()
    assert world.came() == ["one"]
    world.came(7.9)
    assert world.pool.waiting == []
    world.came(0.1)
    world.pool.work()
    assert world.came() == ["bad"]  # which is made again at once
    assert len(world.pool.waiting) == 1


def test_begun_anew_nothing_that_was_begun_before_comes_or_makes_the_next_one_wait() -> None:
    world = World("one", "two", "three", took_s=2.0)
    world.came()
    world.aside.anew()  # while it is made
    world.pool.work()
    assert world.came() == []
    world.pool.work()
    world.aside.anew()  # when it has been made
    assert world.came() == []
    world.pool.work()
    assert world.came() == ["three"]
    world.aside.anew()  # when the next one is not due
    assert world.came() == []
    assert len(world.pool.waiting) == 1


def test_what_making_it_raised_is_raised_once_and_it_is_made_again() -> None:
    world = World(OSError("away"), "two")
    world.came()
    world.pool.work()
    with pytest.raises(OSError, match="away"):
        world.came()
    world.came()
    world.pool.work()
    assert world.came() == ["two"]
