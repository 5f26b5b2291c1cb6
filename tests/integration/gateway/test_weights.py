import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from .conftest import Gateway, wait_for


def servers(gateway: Gateway, requests: int) -> Counter[str]:
    answers = (gateway.client("app").get("/search") for _ in range(requests))
    return Counter(answer.json()["server"] for answer in answers)


def wait_until(gateway: Gateway, *seen: str) -> None:
    wait_for(lambda: set(servers(gateway, 20)) == set(seen), f"{seen} answer")


@pytest.fixture
def blue(gateway: Gateway) -> Iterator[None]:
    yield
    gateway.weigh(blue=100, green=0)
    wait_until(gateway, "blue")


@pytest.mark.usefixtures("blue")
def test_weights_move_requests_between_targets_and_none_fails_meanwhile(gateway: Gateway) -> None:
    assert servers(gateway, 30) == {"blue": 30}

    statuses: Counter[int] = Counter()
    done = threading.Event()
    console = gateway.client("console")

    def ask() -> None:
        while not done.is_set():
            statuses[console.get("/search").status_code] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        gateway.weigh(blue=50, green=50)
        wait_until(gateway, "blue", "green")
        share = servers(gateway, 200)["green"] / 200
        assert 0.3 < share < 0.7  # 0.5 within five standard deviations
        gateway.weigh(blue=0, green=100)
        wait_until(gateway, "green")
        assert servers(gateway, 30) == {"green": 30}
    finally:
        done.set()
        asking.join()
    assert set(statuses) == {200}
    assert statuses[200] > 50
