import copy
import dataclasses
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from infra.gateway import is_live
from infra.gateway.kong import other_key
from infra.gateway.tokens import mint
from infra.gateway_users import GatewayUsers
from infra.secret import SecretState
from infra.targets.local.files import write
from tests.waiting import wait_for

from .conftest import SECRETS, Gateway

CONSUMER = "console"
OLD, NEW = SECRETS[CONSUMER], "another-secret-of-console".ljust(40, "x")


def hand_out(gateway: Gateway, *secrets: str) -> None:
    """Give the gateway these secrets of the consumer, as an update of the stack does."""
    kong = copy.deepcopy(gateway.kong)
    (consumer,) = (c for c in kong["consumers"] if c["username"] == CONSUMER)
    keys = (CONSUMER, other_key(CONSUMER))
    consumer["jwt_secrets"] = [
        {"key": key, "algorithm": "HS256", "secret": secret} for key, secret in zip(keys, secrets, strict=False)
    ]
    rendered = dataclasses.replace(gateway, kong=kong).render()
    write(gateway.directory, {name: text for name, text in rendered.items() if is_live(name)})


@contextmanager
def load(gateway: Gateway, secret: str) -> Iterator[Counter[int]]:
    """Requests over one connection with tokens of that secret, without a pause, counted by status."""
    statuses: Counter[int] = Counter()
    done = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{gateway.port}") as client:
            headers = {"Authorization": f"Bearer {mint(CONSUMER, secret)}"}
            while not done.is_set():
                statuses[client.get("/search", headers=headers).status_code] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield statuses
    finally:
        done.set()
        asking.join()


@pytest.fixture
def users(gateway: Gateway) -> Iterator[GatewayUsers]:
    users = GatewayUsers(f"http://127.0.0.1:{gateway.port}", CONSUMER)
    yield users
    hand_out(gateway, OLD)
    wait_for(lambda: not users.accept_both(SecretState(OLD)), "the tests' own secret is back")


def test_tokens_of_either_secret_pass_during_the_overlap_and_no_request_fails(
    gateway: Gateway, users: GatewayUsers
) -> None:
    introduced = SecretState(OLD, NEW, "introduced")
    assert users.accept_both(introduced) == ["the gateway answers 401 for 'console'"]
    with load(gateway, OLD) as old:
        hand_out(gateway, OLD, NEW)
        wait_for(lambda: not users.accept_both(introduced), "both pass")
        with load(gateway, NEW) as new:
            hand_out(gateway, NEW, OLD)
            wait_for(lambda: new[200] > 100, "the new one is in use")
        assert set(new) == {200}
    assert set(old) == {200}

    switched = SecretState(NEW, OLD, "switched")
    assert users.refuse_the_old(switched)
    with load(gateway, NEW) as new:
        hand_out(gateway, NEW)
        wait_for(lambda: not users.refuse_the_old(switched), "the old one is refused")
        wait_for(lambda: new[200] > 100, "the new one is in use")
    assert set(new) == {200}
