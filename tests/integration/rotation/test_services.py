"""Two services, each of which calls the other, get a new secret under load, by a rotation that is killed on the way."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from infra.secret import SecretState
from infra.settings import PROJECT_ROOT
from infra.targets.local.launch import die_with_parent
from tests.ports import free_port

from .stack import NAME, SECRET_FILE, FileStack

PEERS = ("left", "right")
START_S = 30.0
SECOND_OF_SWITCH = 4  # hand-outs: two to introduce, then the first and the second to switch


def start(*arguments: str, log: Path, **environment: object) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COV")}
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=PROJECT_ROOT,
            env=kept | {name: str(value) for name, value in environment.items()},
            stdout=stream,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads run here that could hold a lock
        )


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[FileStack]:
    stack = FileStack(tmp_path, {peer: free_port() for peer in PEERS})
    stack.record(SecretState("the-first-secret"))
    with ExitStack() as running:
        for peer, other in zip(PEERS, reversed(PEERS), strict=True):
            process = start(
                "tests.integration.rotation.peer",
                log=tmp_path / f"{peer}.log",
                PORT=stack.ports[peer],
                PEER_URL=f"http://127.0.0.1:{stack.ports[other]}",
                INTER_SERVICE_SECRET_FILE=tmp_path / peer / SECRET_FILE,
            )
            running.callback(process.wait)
            running.callback(process.kill)
        for peer in PEERS:
            await_start(stack, peer)
        yield stack


def await_start(stack: FileStack, peer: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{stack.ports[peer]}/health").raise_for_status()
        except httpx.TransportError:
            assert time.monotonic() < deadline, (stack.folder / f"{peer}.log").read_text()
            time.sleep(0.02)
        else:
            return


@contextmanager
def load(stack: FileStack) -> Iterator[Counter[int]]:
    """Requests to both peers one after the other, counted by status."""
    statuses: Counter[int] = Counter()
    done = threading.Event()

    def ask(port: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            while not done.is_set():
                statuses[client.get("/api/v1/ask").status_code] += 1
                time.sleep(0.005)  # the pace: the machine is needed for the rotation too

    asking = [threading.Thread(target=ask, args=(port,)) for port in stack.ports.values()]
    for thread in asking:
        thread.start()
    try:
        yield statuses
    finally:
        done.set()
        for thread in asking:
            thread.join()


def shows(stack: FileStack, secret: str) -> set[int]:
    urls = [f"http://127.0.0.1:{port}/internal/tell" for port in stack.ports.values()]
    return {httpx.get(url, headers={"X-Service-Token": secret}).status_code for url in urls}


def test_a_rotation_under_load_fails_no_request_although_it_is_killed_half_way(stack: FileStack) -> None:
    with load(stack) as statuses:
        killed = start(
            *("tests.integration.rotation.stack", str(stack.folder), json.dumps(stack.ports), str(SECOND_OF_SWITCH)),
            log=stack.folder / "rotation.log",
        )
        assert killed.wait(START_S) == -signal.SIGKILL, (stack.folder / "rotation.log").read_text()
        between = stack.read()[NAME]
        assert (between.other, between.phase) == ("the-first-secret", "switched")
        sent = {(stack.folder / peer / SECRET_FILE).read_text().split()[0] for peer in PEERS}
        assert sent == {between.value, between.other}  # one peer sends the old one still

        stack.rotate()
    assert set(statuses) == {200}
    assert statuses[200] > 100
    assert stack.read()[NAME] == SecretState(between.value, "the-first-secret", "retired")
    assert shows(stack, between.value) == {200}
    assert shows(stack, "the-first-secret") == {403}
    for peer in PEERS:
        log = (stack.folder / f"{peer}.log").read_text()
        assert "another service secret" in log
        assert not any(secret in log for secret in (between.value, "the-first-secret"))
