"""The cache's client against the real Redis: what is held against the one of the local target."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.targets.local import health
from tests.integration.containers.parts import eventually, image_of, running
from tests.integration.services.common import test_redis as ours
from tests.ports import free_port
from tests.redis import Server

cache = ours.cache
test_what_was_kept_is_given_back_and_will_be_forgotten = ours.test_what_was_kept_is_given_back_and_will_be_forgotten
test_many_at_once_get_each_their_own = ours.test_many_at_once_get_each_their_own
test_a_reader_that_leaves_does_not_leave_its_answer_to_the_next = (
    ours.test_a_reader_that_leaves_does_not_leave_its_answer_to_the_next
)
test_killed_in_flight_it_fails_once_and_is_found_again = ours.test_killed_in_flight_it_fails_once_and_is_found_again
test_a_full_redis_refuses_writes_and_is_read_all_the_same = (
    ours.test_a_full_redis_refuses_writes_and_is_read_all_the_same
)


@dataclass
class Container(Server):
    """A Redis in a container."""

    container: Any = field(default=None, kw_only=True)

    def start(self) -> None:
        self.container.start()
        self.wait()

    def wait(self) -> None:
        eventually(lambda: health.problem("redis", self.port, "") is None, 20, "Redis answers")

    def kill(self) -> None:
        self.container.kill()
        self.container.wait(timeout=10)

    def signal(self, number: signal.Signals) -> None:
        self.container.kill(signal=number.name)


@pytest.fixture(scope="module")
def server(engine: Any) -> Iterator[Server]:
    port, image = free_port(), image_of(engine, "redis")
    with ExitStack() as stack:
        redis = Container(
            port,
            container=stack.enter_context(
                running(image, {6379: port}, command="redis-server --save '' --appendonly no --protected-mode no")
            ),
        )
        redis.wait()
        yield redis
