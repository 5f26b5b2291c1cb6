"""The collections service in front of three real vector nodes, whose copies are made to differ."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.collections.main import build
from services.collections.replicas import check
from services.collections.settings import CollectionsSettings
from tests.integration.embedded.qdrant.nodes import Node, all_active, cluster, free_ports
from tests.servers import REFUSING, client, eventually
from tests.waiting import wait_for

TOKEN = {"X-Service-Token": "a-token"}
NODES = ("qdrant-0", "qdrant-1", "qdrant-2")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    ports = free_ports(6)
    with cluster(tmp_path_factory.mktemp("qdrant"), ports[:3], ports[3:], ports[3:]) as nodes:
        yield nodes


@pytest.fixture
def nodes(running: list[Node]) -> Iterator[list[Node]]:
    """The nodes with a collection of ten points in five documents."""
    running[0].create()
    for number in range(5):
        running[0].upsert(number, 10 + number, path=f"{number}.md")
    yield running
    for node in running:
        node.revive()
    for node in running:
        node.wait_until_ready()
    wait_for(lambda: all_active(running), "all replicas are active")
    running[0].ask("DELETE", "/collections/docs")


@pytest.fixture
async def service(
    nodes: list[Node], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(check, "SETTLE_S", 0.1)
    (tmp_path / "collections.json").write_text(json.dumps({"collections": []}))
    settings = CollectionsSettings(
        inter_service_secret=SecretStr("a-token"),
        qdrant_urls=tuple(f"http://127.0.0.1:{node.http_port}" for node in nodes),
        ingestion_url=REFUSING,
        database_url="postgresql://rag@127.0.0.1:1/rag",
        collections_file=tmp_path / "collections.json",
        data_root=tmp_path,
        replication_marker_s=0.2,
    )
    async with client(build(settings)) as http:
        http.headers.update(TOKEN)
        yield http


async def told(service: httpx.AsyncClient, path: str = "/docs", method: str = "GET") -> Any:
    answer = await service.request(method, f"/internal/replicas{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def lags(service: httpx.AsyncClient) -> list[float]:
    """The replication lag of each node in seconds."""
    text = (await service.get("/metrics")).text
    return [float(value) for value in re.findall(r"^qdrant_replication_lag_seconds\{.*\} (.*)$", text, re.MULTILINE)]


async def refuse_at_the_survivor(nodes: list[Node]) -> None:
    """Writes that one node of three takes and refuses: a new point, a changed one, a deletion."""
    nodes[1].kill()
    nodes[2].kill()
    points = [{"id": one, "vector": [4, 3, 2, 1], "payload": {"path": f"{one}.md"}} for one in (3, 99)]
    upsert = ("PUT", "/collections/docs/points?wait=true", {"points": points})
    await asyncio.gather(
        asyncio.to_thread(nodes[0].ask, *upsert, status=500), asyncio.to_thread(nodes[0].delete, 14, status=500)
    )
    for node in nodes[1:]:
        node.start()  # from this thread: a node dies with the thread that started it
    for node in nodes[1:]:
        await asyncio.to_thread(node.wait_until_ready)
    await asyncio.to_thread(wait_for, lambda: all_active(nodes), "all replicas are active")


async def test_what_a_node_alone_took_and_refused_is_found_and_repaired(
    nodes: list[Node], service: httpx.AsyncClient
) -> None:
    assert (await told(service, ""))["consistent"] is True
    good = nodes[1].content()
    await refuse_at_the_survivor(nodes)
    assert nodes[0].content() != nodes[1].content() == nodes[2].content()

    (found,) = (await told(service, ""))["collections"]
    assert (found["consistent"], found["problem"], found["undecided"]) == (False, None, 0)
    assert found["differences"] == [
        {"id": 3, "path": "3.md", "faults": {"qdrant-0": "different"}},
        {"id": 14, "path": "4.md", "faults": {"qdrant-0": "missing"}},
        {"id": 99, "path": "99.md", "faults": {"qdrant-0": "extra"}},
    ]
    assert [replica["points"] for replica in found["replicas"]] == [10, 10, 10]
    assert 'replicas_inconsistent{collection="docs"} 3.0' in (await service.get("/metrics")).text

    done = await told(service, "/docs/repair", "POST")
    assert [done[key] for key in ("written", "deleted", "changed", "failed")] == [2, 1, 0, 0]
    assert (done["consistent"], done["documents"]) == (True, ["3.md", "4.md", "99.md"])
    assert [node.content() for node in nodes] == [good] * 3
    assert (await told(service, "/docs/repair", "POST"))["written"] == 0
    assert 'replicas_inconsistent{collection="docs"} 0.0' in (await service.get("/metrics")).text


async def test_without_one_node_the_other_two_are_compared(nodes: list[Node], service: httpx.AsyncClient) -> None:
    nodes[2].kill()
    found = await told(service)
    assert found["consistent"] is None
    assert found["problem"].startswith("qdrant-2 does not answer: ClientConnectorError")
    assert [replica["points"] for replica in found["replicas"]] == [10, 10, 0]
    nodes[2].start()
    assert (await told(service, "/docs?wait_s=10"))["consistent"] is True


async def test_the_lag_of_a_node_that_hangs_grows_until_it_is_back(
    nodes: list[Node], service: httpx.AsyncClient
) -> None:
    async def within(least: float, most: float) -> None:
        """Until the lag of the third node is in this range, and that of the others is none worth mentioning."""
        async with asyncio.timeout(30):
            while True:
                now = await lags(service)
                if len(now) == 3 and least <= now[2] < most and max(now[:2]) < 1:
                    return
                await asyncio.sleep(0.05)

    await within(0, 0.5)
    nodes[2].signal(signal.SIGSTOP)
    await within(1.5, 10)
    nodes[2].signal(signal.SIGCONT)
    await within(0, 1)


async def test_the_markers_are_no_collection_of_documents(nodes: list[Node], service: httpx.AsyncClient) -> None:
    def exists() -> bool:
        return bool(nodes[0].ask("GET", "/collections/_replication/exists")["exists"])

    await eventually(exists)
    assert [one["collection"] for one in (await told(service, ""))["collections"]] == ["docs"]
