"""A service as three processes behind its port: what they tell together, and how they end."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.integration.services.common.test_serve import SECRET, Service, service
from tests.servers import REFUSING
from tests.waiting import wait_for

COUNT = 3
TOKEN = {"X-Service-Token": SECRET}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("processes")
    (folder / "secret").write_text(SECRET)
    (folder / "docs").mkdir()
    told = {"INTER_SERVICE_SECRET_FILE": folder / "secret", "QUERY_URL": REFUSING, "DOCS_ROOT": folder / "docs"}
    with service("services.rag", folder / "rag.log", PROCESSES=COUNT, **told) as started:
        started.await_start()
        wait_for(lambda: answers(started, "/metrics") == 200, "all of the processes serve")
        yield started


def get(service: Service, path: str) -> httpx.Response:
    return httpx.get(service.url + path, headers=TOKEN)


def answers(service: Service, path: str) -> int:
    return get(service, path).status_code


def pids(service: Service) -> set[int]:
    told = get(service, "/internal/breakers").json()
    return {told["pid"], *(other["pid"] for other in told.get("others", []))}


def requests(service: Service) -> float:
    lines = get(service, "/metrics").text.splitlines()
    series = 'http_requests_total{method="GET",route="/api/v1/docs",status="200"}'
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(series)), 0.0)


def test_the_processes_share_the_port_and_their_counters_add_up(running: Service) -> None:
    before = requests(running)
    for _ in range(30):
        assert answers(running, "/api/v1/docs") == 200  # each on a connection of its own
    assert requests(running) == before + 30
    assert requests(running) == before + 30  # whichever is asked
    text = get(running, "/metrics").text
    assert all(f'breaker_state{{process="{index}",breaker="query"}} 0.0' in text for index in range(COUNT))


def test_the_breakers_of_all_are_told_and_reset_together(running: Service) -> None:
    children = {child.pid for child in psutil.Process(running.process.pid).children()}
    assert pids(running) == children
    assert len(children) == COUNT
    for _ in range(40):
        answers(running, "/api/v1/rag/search?q=x")  # query is not there
    told = get(running, "/internal/breakers").json()
    states = [process["breakers"][0]["state"] for process in (told, *told["others"])]
    assert "open" in states
    reset = httpx.post(running.url + "/internal/breakers/query/reset", headers=TOKEN).json()
    assert [process["state"] for process in (reset, *reset["others"])] == ["closed"] * COUNT


def test_the_token_is_told_of_all(running: Service) -> None:
    assert set(get(running, "/internal/service-token").json()) == {"sends", "accepts"}
    assert httpx.get(running.url + "/internal/breakers").status_code == 403


def test_a_process_that_ends_is_started_again_and_meanwhile_the_others_serve(running: Service) -> None:
    before = pids(running)
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    for _ in range(10):
        assert answers(running, "/health") == 200
    wait_for(
        lambda: answers(running, "/internal/breakers") == 200 and len(pids(running) - {killed}) == COUNT,
        "another one serves in its place",
    )
    assert any(json.loads(line)["event"] == "a process has ended" for line in running.output.read_text().splitlines())


def test_all_end_when_they_are_told_to_and_with_the_one_that_started_them(running: Service, tmp_path: Path) -> None:
    told = {"INTER_SERVICE_SECRET": SECRET, "QUERY_URL": REFUSING, "DOCS_ROOT": tmp_path, "PROCESSES": 2}
    for number in (signal.SIGTERM, signal.SIGKILL):
        with service("services.rag", tmp_path / "log", **told) as started:
            started.await_start()
            children = psutil.Process(started.process.pid).children()
            assert len(children) == 2
            started.process.send_signal(number)
            assert started.process.wait(30) in (0, -number)
            gone, alive = psutil.wait_procs(children, timeout=30)
            assert (len(gone), alive) == (2, [])
