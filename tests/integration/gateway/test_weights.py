import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.waiting import wait_for

from .conftest import Gateway


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

    with asked_meanwhile(gateway) as statuses:
        gateway.weigh(blue=50, green=50)
        wait_until(gateway, "blue", "green")
        share = servers(gateway, 200)["green"] / 200
        assert 0.3 < share < 0.7  # 0.5 within five standard deviations
        gateway.weigh(blue=0, green=100)
        wait_until(gateway, "green")
        assert servers(gateway, 30) == {"green": 30}
    assert set(statuses) == {200}
    assert statuses[200] > 50


@pytest.mark.usefixtures("blue")
def test_a_weight_is_the_share_of_requests_and_0_and_100_are_exact(gateway: Gateway) -> None:
    gateway.weigh(blue=90, green=10)
    wait_until(gateway, "blue", "green")
    assert 133 <= servers(gateway, 2000)["green"] <= 267  # 200 within five standard deviations, of 13.4
    for name, other in (("green", "blue"), ("blue", "green")):
        gateway.weigh(**{name: 100, other: 0})
        wait_until(gateway, name)
        assert servers(gateway, 200) == {name: 200}


@pytest.mark.usefixtures("blue")
def test_a_target_comes_gets_all_requests_and_goes_and_none_fails_meanwhile(gateway: Gateway) -> None:
    targets = gateway.kong["upstreams"][0]["targets"]
    new = {"target": gateway.upstreams["other"].address, "weight": 0}
    with asked_meanwhile(gateway) as statuses:
        targets.append(new)
        gateway.weigh(blue=100, green=0, other=0)
        assert servers(gateway, 100) == {"blue": 100}
        gateway.weigh(blue=0, green=0, other=100)
        wait_until(gateway, "other")
        gateway.weigh(blue=100, green=0, other=0)
        wait_until(gateway, "blue")
        targets.remove(new)
        gateway.weigh(blue=100, green=0)
        assert servers(gateway, 100) == {"blue": 100}
    assert set(statuses) == {200}


@contextmanager
def asked_meanwhile(gateway: Gateway) -> Iterator[Counter[int]]:
    """The statuses that one who asks without a pause is answered with."""
    statuses: Counter[int] = Counter()
    done = threading.Event()
    console = gateway.client("console")

    def ask() -> None:
        while not done.is_set():
            statuses[console.get("/search").status_code] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield statuses
    finally:
        done.set()
        asking.join()
