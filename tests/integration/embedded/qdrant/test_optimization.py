"""A shard gets its graph while it is read from and written to, and whatever happens to the optimizer."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra.embedded.qdrant import engine, optimization
from infra.embedded.qdrant.optimization import Optimization
from infra.embedded.qdrant.params import Params
from infra.embedded.qdrant.reads import read_query
from infra.embedded.qdrant.shard import Shard
from infra.embedded.qdrant.writes import read_write
from tests.integration.embedded.qdrant.nodes import Node, all_active
from tests.waiting import wait_for

SMALL = Params(16, "Cosine")
LARGE = 1536  # a dimension at which 1,667 points are worth a graph
HUGE = 4096  # one at which 625 are


def anyone(_: object) -> None:
    """All are entitled to write."""


def points(*ids: int, size: int = SMALL.size, version: int = 0) -> dict[str, Any]:
    """Points around ten centres, different for each id and version."""
    return {
        "points": [
            {"id": one, "vector": near(one % 10, one + 10_000 * version, size), "payload": {"n": one, "v": version}}
            for one in ids
        ]
    }


def near(centre: int, seed: int, size: int) -> list[float]:
    middle, offset = (np.random.default_rng(number).standard_normal(size) for number in (centre, 100 + seed))
    return (middle + offset / 2).round(2).tolist()  # type: ignore[no-any-return]  # a list of floats


async def write(shard: Shard, kind: str, body: Any) -> None:
    await shard.apply(read_write(kind, body, shard.params.size), anyone)


def content(shard: Shard) -> dict[Any, Any]:
    return {p.id: (p.payload, p.vector) for p in shard.retrieve(shard.matching(None), True, True)}


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody else is to know of the wait
            await asyncio.sleep(0.005)


@pytest.fixture
async def shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shard:
    monkeypatch.setattr(engine, "INDEXING_THRESHOLD_KB", 20)
    shard = Shard(tmp_path / "u", SMALL)
    await write(shard, "upsert", points(*range(500)))
    return shard


async def test_what_is_written_meanwhile_is_in_what_the_shard_goes_on_with(shard: Shard, tmp_path: Path) -> None:
    work = Optimization(shard)
    assert work.due
    running = asyncio.create_task(work.run())
    await until(lambda: shard.noted is not None)
    assert work.shown() == {"status": "yellow", "optimizer_status": "ok"}
    await write(shard, "upsert", points(*range(100), *range(900, 1000), version=1))
    await write(shard, "delete", {"points": [*range(200, 300)]})
    await write(shard, "set", {"points": [400], "payload": {"set": True}})
    shard.set_indexes({"n": "integer"})
    before = content(shard)
    await running
    assert shard.indexed_vectors_count() > 0
    assert work.shown() == {"status": "green", "optimizer_status": "ok"}
    assert shard.written == 301
    assert shard.indexed_points() == {"n": 500}
    assert content(shard) == before
    await write(shard, "upsert", points(2000))
    shard.close()
    again = Shard(tmp_path / "u", SMALL)
    assert content(again).keys() == before.keys() | {2000}
    assert len(list((tmp_path / "u").iterdir())) == 2  # what is in use, and the mark


async def test_searches_are_answered_while_a_graph_is_built_and_find_by_it_what_exact_ones_find(tmp_path: Path) -> None:
    shard = Shard(tmp_path / "u", Params(LARGE, "Cosine"))
    await write(shard, "upsert", points(*range(1700), size=LARGE))
    running = asyncio.create_task(Optimization(shard).run())
    answered = 0
    while not running.done():
        assert shard.query(read_query({"query": near(1, 1, LARGE)}, LARGE, shard.vector_of))[0].id == 1
        answered += 1
        await asyncio.sleep(0.005)
    assert answered > 20  # two if the engine held the interpreter meanwhile
    assert shard.indexed_vectors_count() == 1700
    found = 0
    for number in range(20):
        asked = {"query": near(number % 10, 100_000 + number, LARGE)}
        by_graph, exactly = (
            {p.id for p in shard.query(read_query({**asked, "params": params}, LARGE, shard.vector_of))}
            for params in ({}, {"exact": True})
        )
        found += len(by_graph & exactly)
    assert found / 200 >= 0.95


async def test_an_optimizer_that_fails_leaves_the_shard_as_it_was(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimization, "RETRY_S", 0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    files, before = list(shard.directory.iterdir()), content(shard)
    work = Optimization(shard)
    await work.run()
    assert work.shown()["status"] == "red"
    assert "before it was ready" in work.shown()["optimizer_status"]["error"]
    assert work.due
    assert content(shard) == before
    assert list(shard.directory.iterdir()) == files
    monkeypatch.undo()
    await work.run()
    assert work.shown()["status"] == "green"


async def test_a_shard_that_is_deleted_ends_its_optimizer(shard: Shard) -> None:
    work = Optimization(shard)
    running = asyncio.create_task(work.run())
    await until(lambda: shard.noted is not None)
    work.end()
    shard.destroy()
    await running
    assert not shard.directory.exists()


async def test_a_node_that_is_stopped_while_it_ends_a_deleted_shards_optimizer_stops(shard: Shard) -> None:
    work = Optimization(shard)
    running = asyncio.create_task(work.run())
    await until(lambda: shard.noted is not None)
    work.end()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_a_node_killed_while_it_optimizes_loses_nothing_and_recovers_with_its_graph(nodes: list[Node]) -> None:
    nodes[0].create(size=HUGE)
    for first in range(0, 700, 100):  # each is with its peers within their second
        nodes[0].ask("PUT", "/collections/docs/points", points(*range(first, first + 100), size=HUGE))

    def info(node: Node) -> Any:
        return node.ask("GET", "/collections/docs")

    wait_for(lambda: info(nodes[2])["status"] == "yellow", "its optimizer is at work")
    nodes[2].kill()
    nodes[0].ask("PUT", "/collections/docs/points", points(*range(10), size=HUGE, version=1))
    nodes[0].delete(*range(10, 20))
    nodes[2].restart()
    wait_for(lambda: all(info(node)["status"] == "green" for node in nodes), "all are optimized", 30)
    wait_for(lambda: all_active(nodes), "it has recovered")
    assert all(info(node)["indexed_vectors_count"] >= 680 for node in nodes)
    everything = {"limit": 1000, "with_payload": True}  # without vectors, which are large; payloads tell their versions
    pages = [node.ask("POST", "/collections/docs/points/scroll", everything)["points"] for node in nodes]
    assert pages[0] == pages[1] == pages[2]
    expected = {one: int(one < 10) for one in range(700) if not 10 <= one < 20}
    assert {point["id"]: point["payload"]["v"] for point in pages[0]} == expected
    nodes[2].kill()
    nodes[0].delete(0)
    nodes[2].restart()
    wait_for(lambda: all_active(nodes), "it has recovered again")
    assert nodes[2].count() == 689
    assert info(nodes[2])["status"] == "green"  # what it had already was not copied, and is still in its graph
