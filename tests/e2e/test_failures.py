"""What users do not notice: killed components, a database that is away, a lost vector node."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx
import psutil
import pytest

from infra.targets.local import supervisor
from infra.topology import QDRANT_NODES, topology
from tests.e2e.conftest import Live, eventually

BACK_S = 5.0
KILLABLE = [c.name for c in topology().components if c.health.kind != "completed"]
SEED = 20251102
REPORTS = 30  # more than ingestion reads between two kills


@contextmanager
def searching(live: Live) -> Iterator[list[int]]:
    """Search without a pause from another thread; gives the statuses so far."""
    statuses: list[int] = []
    stop = threading.Event()

    def search() -> None:
        headers = {"Authorization": f"Bearer {live.token('other')}"}
        with httpx.Client(base_url=live.client.base_url, headers=headers, timeout=20) as client:
            while not stop.wait(0.02):
                statuses.append(client.get("/api/v1/rag/search", params={"q": "quorum", "limit": 1}).status_code)

    thread = threading.Thread(target=search)
    thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        thread.join()


def runs_as_another(live: Live, component: str, pid: int) -> bool:
    return live.pid(component) not in {0, pid}


@pytest.mark.parametrize("component", KILLABLE)
def test_a_killed_component_is_back_with_its_data(live: Live, component: str) -> None:
    before = live.counts()
    killed = live.pid(component)
    os.kill(killed, signal.SIGKILL)
    eventually(partial(runs_as_another, live, component, killed), BACK_S, f"{component} runs again")
    eventually(lambda: not live.unhealthy(), BACK_S, "every component is healthy")
    eventually(live.searches, BACK_S, "searches are answered")
    eventually(lambda: live.counts() == before, BACK_S, "every node has every point")


@pytest.mark.parametrize("node", QDRANT_NODES)
def test_a_vector_node_that_is_away_fails_no_search_and_no_write(live: Live, node: str) -> None:
    name = f"without-{node}.md"
    with searching(live) as statuses:
        supervisor.call(live.stack.paths, "stopProcess", node)
        try:
            (live.inbox / name).write_text(
                f"# Written without {node}\n\nThe heliograph was installed while {node} was away.\n"
            )
            eventually(
                lambda: live.search("when was the heliograph installed", collection="inbox", path=name),
                10,
                "what was written without the node is found",
            )
            count = len(statuses)
            eventually(lambda: len(statuses) >= count + 20, 10, "more searches are answered")
        finally:
            supervisor.call(live.stack.paths, "startProcess", node)
        eventually(lambda: len(set(live.counts().values())) == 1 and live.active(), 10, "the node has caught up")
    assert set(statuses) == {200}


def test_without_the_database_collections_are_listed_and_searches_work_and_it_comes_back(live: Live) -> None:
    supervisor.call(live.stack.paths, "stopProcess", "timescaledb")
    try:
        listed = live.client.get("/api/v1/collections").json()["collections"]
        assert {"docs", "inbox"} <= {collection["name"] for collection in listed}
        assert live.searches()
        refused = live.client.post("/api/v1/ingestion/jobs", json={"collection": "docs"})
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        (live.inbox / "meanwhile.md").write_text(
            "# Meanwhile\n\nThe astrolabe was polished while the database was away.\n"
        )
    finally:
        supervisor.call(live.stack.paths, "startProcess", "timescaledb")
    eventually(
        lambda: live.search("when was the astrolabe polished", collection="inbox", path="meanwhile.md"),
        15,
        "what was dropped meanwhile is found, without a restart",
    )
    accepted = live.client.post("/api/v1/ingestion/jobs", json={"collection": "docs"})
    assert accepted.status_code == 202


def test_ingestion_killed_twenty_times_finishes_its_job_and_the_old_text_stays_until_the_new_is_there(
    live: Live,
) -> None:
    folder = live.inbox / "killed"
    folder.mkdir()
    files = [folder / f"{number}.md" for number in range(REPORTS)]

    def write(version: str) -> None:
        for number, file in enumerate(files):
            text = "\n\n".join(
                f"## Part {part}\n\nPart {part} of report {number}, {version}. " + "Words follow. " * 90
                for part in range(4)
            )
            file.write_text(f"# Report {number}\n\n{text}\n")

    def searchable() -> int:
        return len({p["path"] for p in live.payloads("inbox") if str(p["path"]).startswith("killed/")})

    write("first edition")
    eventually(lambda: live.idle("inbox") and searchable() == REPORTS, 60, "the first edition is there")
    before = {str(d["path"]): d["chunks"] for d in live.documents("inbox")}
    write("second edition")
    random_ = random.Random(SEED)
    for _ in range(20):
        pid = live.pid("ingestion")
        eventually(lambda: live.serves("ingestion"), 2 * BACK_S, "ingestion serves")
        time.sleep(random_.uniform(0.0, 0.8))  # not a wait for something: the moment of the kill is what is tested
        os.kill(pid, signal.SIGKILL)
        assert searchable() == REPORTS, "a report cannot be found"
        # One that ends within its first second is started after a pause, which grows while that goes on.
        eventually(partial(runs_as_another, live, "ingestion", pid), 4 * BACK_S, "ingestion runs again")
    eventually(lambda: live.idle("inbox"), 90, "the job is finished")
    payloads = [p for p in live.payloads("inbox") if str(p["path"]).startswith("killed/")]
    keys = [(p["path"], p["chunk"]) for p in payloads]
    assert len(keys) == len(set(keys)), "no chunk is there twice"
    now = {str(d["path"]): d["chunks"] for d in live.documents("inbox")}
    assert now == before
    for path, chunks in now.items():
        if path.startswith("killed/"):
            assert sorted(p["chunk"] for p in payloads if p["path"] == path) == list(range(int(str(chunks))))
    assert not any("first edition" in str(p["text"]) for p in payloads)


def test_the_services_are_lean(live: Live) -> None:
    # Without ingestion's reader process, which ends when there is nothing to read.
    for service, most_mb in {"query": 120, "rag-service": 120, "collections": 120, "ingestion": 200}.items():
        assert psutil.Process(live.pid(service)).memory_full_info().pss < most_mb * 2**20, service
