import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from infra.embedded.qdrant.document import Document, Replica, with_collection, with_index, without_collection
from infra.embedded.qdrant.params import Params
from infra.embedded.qdrant.replicas import NotMemberError, Replicas
from infra.embedded.qdrant.writes import Write, read_write

ME = 1
DOCS = with_collection("docs", "u", Params(2, "Dot"))(Document("c", 1, {ME: "http://one"}))


def turned(document: Document, state: str, tenure: str) -> Document:
    one = replace(document.collections["docs"], replicas={ME: Replica(state, tenure)})  # type: ignore[arg-type]  # a State
    return replace(document, collections={"docs": one})


def upsert(*ids: int) -> Write:
    return read_write("upsert", {"points": [{"id": one, "vector": [1, one]} for one in ids]}, 2)


@pytest.fixture
def replicas(tmp_path: Path) -> Replicas:
    replicas = Replicas(ME, tmp_path)
    replicas.follow(DOCS)
    return replicas


async def test_a_write_is_applied_only_in_the_tenure_that_it_is_meant_for(replicas: Replicas) -> None:
    replica = replicas.get("u")
    await replica.apply(upsert(1), "u")
    replicas.follow(turned(DOCS, "Dead", "u"))
    with pytest.raises(NotMemberError):
        await replica.apply(upsert(2), "u")
    replicas.follow(turned(DOCS, "Partial", "t"))
    with pytest.raises(NotMemberError):
        await replica.apply(upsert(3), "u")
    await replica.apply(upsert(4), "t")
    assert replica.shard.matching(None) == [1, 4]


async def test_a_long_write_ends_where_the_tenure_does(replicas: Replicas) -> None:
    replica = replicas.get("u")
    writing = asyncio.create_task(replica.apply(upsert(*range(500)), "u"))
    await asyncio.sleep(0)  # the first slice
    replicas.follow(turned(DOCS, "Partial", "t"))
    with pytest.raises(NotMemberError):
        await writing
    assert 0 < replica.shard.points_count() < 500


async def test_what_is_written_while_partial_is_remembered_until_active(replicas: Replicas) -> None:
    replicas.follow(turned(DOCS, "Partial", "t"))
    replica = replicas.get("u")
    await replica.apply(upsert(1, 2), "t")
    await replica.apply(read_write("delete", {"points": [7]}, 2), "t")
    assert replica.touched == {1, 2, 7}
    replicas.follow(turned(DOCS, "Partial", "later"))
    assert replica.touched == set()
    await replica.apply(upsert(3), "later")
    replicas.follow(turned(DOCS, "Active", "later"))
    assert replica.touched == set()


async def test_a_filter_is_obeyed_besides_the_ids(replicas: Replicas) -> None:
    replica = replicas.get("u")
    await replica.apply(upsert(1, 2, 3), "u")
    body = {"points": [1, 99], "filter": {"must": [{"has_id": [3]}]}}
    assert await replica.apply(read_write("set", {**body, "payload": {"a": 1}}, 2), "u") == [1, 99, 3]
    assert [point.payload for point in replica.shard.retrieve([1, 2, 3], True, False)] == [{"a": 1}, {}, {"a": 1}]
    await replica.apply(read_write("delete", body, 2), "u")
    assert replica.shard.matching(None) == [2]


async def test_a_shard_is_reopened_with_its_points_and_indexes(replicas: Replicas, tmp_path: Path) -> None:
    await replicas.get("u").apply(upsert(*range(100)), "u")
    replicas.close()
    reopened = Replicas(ME, tmp_path)
    reopened.follow(with_index("docs", "path", "keyword")(DOCS))
    shard = reopened.get("u").shard
    assert shard.points_count() == 100
    assert shard.indexed_points() == {"path": 0}
    reopened.follow(DOCS)
    assert shard.indexed_points() == {}


async def test_a_deleted_collection_leaves_no_files_and_ends_its_writes(replicas: Replicas, tmp_path: Path) -> None:
    (tmp_path / "deleted-while-down").mkdir()
    replica = replicas.get("u")
    replicas.follow(without_collection("u")(DOCS))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotMemberError):
        replicas.get("u")
    with pytest.raises(NotMemberError):
        await replica.apply(upsert(1), "u")


def test_a_shard_whose_creation_was_cut_short_is_created_anew(tmp_path: Path) -> None:
    (tmp_path / "u" / "segments" / "half").mkdir(parents=True)
    replicas = Replicas(ME, tmp_path)
    replicas.follow(DOCS)
    assert replicas.get("u").shard.points_count() == 0


def test_a_damaged_shard_is_begun_anew_once_everything_is_copied_to_it(replicas: Replicas, tmp_path: Path) -> None:
    replicas.close()
    for file in (tmp_path / "u").rglob("segment.json"):
        file.write_text("damaged")
    damaged = Replicas(ME, tmp_path)
    damaged.follow(DOCS)
    with pytest.raises(NotMemberError):
        damaged.get("u")
    damaged.follow(turned(DOCS, "Dead", "u"))
    assert damaged.get("u").shard.points_count() == 0
