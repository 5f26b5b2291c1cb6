import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from services.collections.replicas import COLLECTION
from services.collections.replicas.monitor import monitoring
from tests.servers import eventually
from tests.unit.services.collections.replicas.fakes import FakeNode, FakeStore, held, nodes_with

INTERVAL_S = 0.02


@asynccontextmanager
async def measuring(store: FakeStore) -> AsyncIterator[None]:
    async with monitoring(store.nodes, store, marker_s=INTERVAL_S, check_s=0):
        yield


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def lag(node: FakeNode) -> float:
    return value("qdrant_replication_lag_seconds", node=node.name)


def is_in(state: str, node: FakeNode) -> Callable[[], bool]:
    return lambda: value("qdrant_replica_state", node=node.name, state=state) == 1


async def test_a_marker_is_written_and_seen_at_every_node() -> None:
    nodes = nodes_with()
    store = FakeStore(nodes)
    acknowledged = value("qdrant_replication_markers_total", outcome="acknowledged")
    async with measuring(store):
        await eventually(lambda: store.writes.count("upsert") > 2)
        assert store.writes[0] == "create"
        assert store.collections == ["docs", COLLECTION]
        await eventually(lambda: all(is_in("Active", node)() and lag(node) < 0.1 for node in nodes))
    assert value("qdrant_replication_markers_total", outcome="acknowledged") > acknowledged + 2


async def test_a_node_that_does_not_take_part_falls_behind_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def said() -> list[str]:
        return [record.getMessage() for record in caplog.records if getattr(record, "node", "") == "qdrant-1"]

    nodes = nodes_with()
    with caplog.at_level(logging.INFO, "services.collections.replicas.lag"):
        async with measuring(FakeStore(nodes)):
            await eventually(said)
            nodes[1].states[:] = ["Dead"]  # it shows the marker of another node all the same
            await eventually(lambda: lag(nodes[1]) > 0.2)
            assert is_in("Dead", nodes[1])()
            assert not is_in("Active", nodes[1])()
            assert max(lag(nodes[0]), lag(nodes[2])) < 0.1
            nodes[1].states[:] = ["Active"]
            await eventually(lambda: lag(nodes[1]) < 0.1)
    assert said() == ["replica is Active", "replica is Dead", "replica is Active"]


async def test_a_node_that_lacks_the_marker_is_behind() -> None:
    nodes = nodes_with()
    store = FakeStore(nodes[:2], collections=[COLLECTION])
    nodes[2].put(held(0))
    async with monitoring(nodes, store, marker_s=INTERVAL_S, check_s=0):
        await eventually(lambda: lag(nodes[2]) > 0.15)
        assert is_in("Active", nodes[2])()
        assert lag(nodes[0]) < 0.1


async def test_a_node_that_is_away_falls_behind_though_no_write_is_acknowledged() -> None:
    nodes = nodes_with()
    nodes[0].fails("points")
    store = FakeStore(nodes, refusals=10_000, collections=[COLLECTION])
    refused = value("qdrant_replication_markers_total", outcome="refused")
    async with measuring(store):
        await eventually(lambda: lag(nodes[0]) > 0.15)
        assert is_in("unreachable", nodes[0])()
        assert lag(nodes[1]) < 0.1  # it misses nothing that was acknowledged
    assert value("qdrant_replication_markers_total", outcome="refused") > refused


async def test_a_defect_does_not_end_the_measuring(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("services.collections.replicas.monitor.DEFECT_S", 0.01)
    nodes = nodes_with()
    broken = [ValueError("broken")]

    def defect(_: str) -> None:
        if broken:
            raise broken.pop()

    nodes[0].asked.append(defect)
    async with measuring(FakeStore(nodes)):
        await eventually(lambda: "watching the replicas failed" in caplog.text)
        await eventually(is_in("Active", nodes[0]))
        await eventually(lambda: lag(nodes[0]) < 0.1)


async def test_collections_are_checked_from_time_to_time(caplog: pytest.LogCaptureFixture) -> None:
    nodes = nodes_with()
    nodes[0].put(held(1))
    async with monitoring(nodes, FakeStore(nodes, collections=["swept"]), marker_s=0, check_s=0.01):
        await eventually(lambda: value("replicas_inconsistent", collection="swept") == 1)
        await eventually(lambda: "replicas differ" in caplog.text)


async def test_without_an_interval_nothing_is_done() -> None:
    tasks = asyncio.all_tasks()
    store = FakeStore(nodes_with())
    async with monitoring(store.nodes, store, marker_s=0, check_s=0):
        assert asyncio.all_tasks() == tasks
