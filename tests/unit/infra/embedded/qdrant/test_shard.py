import asyncio
from pathlib import Path

import pytest
from qdrant_edge import QueryRequest

from infra.embedded.qdrant import engine
from infra.embedded.qdrant.params import Params
from infra.embedded.qdrant.reads import read_query
from infra.embedded.qdrant.shard import Shard
from infra.embedded.qdrant.writes import Write, read_write


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    return Shard(tmp_path / "u", Params(2, "Dot"))


def upsert(*ids: int) -> Write:
    return read_write("upsert", {"points": [{"id": one, "vector": [1, one]} for one in ids]}, 2)


def anyone(_: object) -> None:
    """All are entitled to write."""


async def test_a_write_waits_while_the_shard_is_still(shard: Shard) -> None:
    with shard.still():
        writing = asyncio.create_task(shard.apply(upsert(1), anyone))
        shard.set_indexes({"path": "keyword"})
        for _ in range(10):
            await asyncio.sleep(0)
        assert not writing.done()
        assert shard.points_count() == 0
        assert shard.indexed_points() == {}
    assert shard.indexed_points() == {"path": 0}
    await writing
    assert shard.points_count() == 1


async def test_a_shard_tells_what_was_written(shard: Shard, tmp_path: Path) -> None:
    await shard.apply(upsert(1, 2), anyone)
    shard.noted = set()
    await shard.apply(upsert(2, 3), anyone)
    await shard.apply(read_write("delete", {"points": [7]}, 2), anyone)
    assert shard.noted == {2, 3, 7}
    assert shard.written == 5
    shard.close()
    assert Shard(tmp_path / "u", shard.params).written == 3  # how many have no graph


def test_a_graph_is_worth_it_from_the_size_on_that_qdrant_builds_one_for() -> None:
    assert not engine.worth_optimizing(6666, Params(384, "Dot"))
    assert engine.worth_optimizing(6667, Params(384, "Dot"))


def query(**params: object) -> QueryRequest:
    return read_query({"query": [1, 2], "params": params or None}, 2, lambda _: None)


@pytest.mark.parametrize(
    ("request_", "exact", "ef", "indexed_only"),
    [
        (query(), False, 64, False),
        (query(exact=True), True, 64, False),
        (query(hnsw_ef=32, indexed_only=True), False, 32, True),
    ],
)
def test_a_search_is_as_exact_as_it_asks_to_be(
    request_: QueryRequest, exact: bool, ef: int, indexed_only: bool
) -> None:
    assert request_.params
    assert (request_.params.exact, request_.params.hnsw_ef, request_.params.indexed_only) == (exact, ef, indexed_only)
