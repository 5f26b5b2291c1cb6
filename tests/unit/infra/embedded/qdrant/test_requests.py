from collections.abc import Callable
from typing import Any

import pytest
from qdrant_edge import CountRequest, Distance, EdgeConfig, EdgeShard, EdgeVectorParams

from infra.embedded.qdrant.errors import QdrantError
from infra.embedded.qdrant.fields import point_id
from infra.embedded.qdrant.filters import read_filter
from infra.embedded.qdrant.indexes import read_schema
from infra.embedded.qdrant.options import check_options, needed_replicas, switch, timeout_s, wants_completion
from infra.embedded.qdrant.params import Params, changed_params, read_params
from infra.embedded.qdrant.placement import read_placement
from infra.embedded.qdrant.reads import read_count, read_facet, read_query, read_retrieval, read_scroll, read_search
from infra.embedded.qdrant.writes import read_write

UUID = "6f0e2d6a-1a53-4a3e-8d20-9c5c0f3d4b11"
COSINE = {"size": 2, "distance": "Cosine"}


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> EdgeShard:
    config = EdgeConfig(vectors=EdgeVectorParams(size=2, distance=Distance.Cosine))
    shard = EdgeShard.create(str(tmp_path_factory.mktemp("shard")), config)
    payloads = {
        1: {"path": "a", "n": 1, "at": "2024-05-01T00:00:00Z", "place": {"lon": 13.4, "lat": 52.5}},
        2: {"path": "b", "n": 2, "text": "a quick fox", "parts": [{"k": 1}, {"k": 2}]},
        3: {"path": "c", "n": 3, "nothing": None},
    }
    points = [{"id": one, "vector": [1, one], "payload": payload} for one, payload in payloads.items()]
    write = read_write("upsert", {"points": points}, 2)
    shard.update(write.operation(list(write.ids)))
    return shard


def field(key: str, **test: Any) -> dict[str, Any]:
    return {"must": [{"key": key, **test}]}


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        (field("path", match={"value": "a"}), 1),
        (field("path", match={"any": ["a", "b"]}), 2),
        (field("path", match={"except": ["a"]}), 2),
        (field("text", match={"text": "quick"}), 1),
        (field("n", range={"gte": 2, "lt": 3.5}), 2),
        (field("at", range={"gt": "2024-01-01T00:00:00Z"}), 1),
        (field("place", geo_radius={"center": {"lon": 13.4, "lat": 52.5}, "radius": 10}), 1),
        (
            field(
                "place", geo_bounding_box={"top_left": {"lon": 13, "lat": 53}, "bottom_right": {"lon": 14, "lat": 52}}
            ),
            1,
        ),
        (
            field(
                "place",
                geo_polygon={
                    "exterior": {
                        "points": [{"lon": x, "lat": y} for x, y in ((13, 52), (14, 52), (14, 53), (13, 53), (13, 52))]
                    }
                },
            ),
            1,
        ),
        (field("parts", values_count={"gte": 2}), 1),
        (field("parts", is_empty=True), 2),
        ({"must": {"key": "path", "match": {"value": "a"}}}, 1),
        ({"must": [{"is_empty": {"key": "parts"}}]}, 2),
        ({"must": [{"is_null": {"key": "nothing"}}]}, 1),
        ({"must": [{"has_id": [1, 3, UUID]}]}, 2),
        ({"must": [{"nested": {"key": "parts", "filter": field("k", match={"value": 2})}}]}, 1),
        ({"should": [{"has_id": [1]}, {"must_not": [{"has_id": [1, 2]}]}]}, 2),
        ({"min_should": {"conditions": [{"has_id": [1]}, {"has_id": [1, 2]}], "min_count": 2}}, 1),
        ({"must": None, "should": None}, 3),
    ],
    ids=str,
)
def test_filters_match_what_they_say(shard: EdgeShard, condition: dict[str, Any], matches: int) -> None:
    assert shard.count(CountRequest(filter=read_filter(condition))) == matches


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"all": []}, "unknown or unsupported field `all`"),
        ({"must": [{"like": 1}]}, "unknown condition"),
        ({"must": [1]}, "expected a condition"),
        (field("a", match={"value": True}), "a match on a boolean is not supported"),
        (field("a", match={"any": ["a", 1]}), "`any` can't be"),
        (field("a", match={}), "expected a match with one of"),
        (field("a", range={"gt": "soon"}), "date-time"),
        (field("a", range={"gt": [1]}), "gt: expected a number"),
        (field("a b[", match={"value": 1}), "JSON path"),
        (field("a", geo_radius={"center": {"lon": 1000, "lat": 0}, "radius": 1}), ""),
        ({"must": [{"has_id": ["x"]}]}, "value x is not a valid point ID"),
    ],
    ids=str,
)
def test_filters_that_mean_nothing_are_refused(condition: dict[str, Any], said: str) -> None:
    with pytest.raises(QdrantError) as refusal:
        read_filter(condition)
    assert refusal.value.status == 400
    assert said in refusal.value.message


def upsert(**point: Any) -> Callable[[], Any]:
    return lambda: read_write("upsert", {"points": [{"id": 1, "vector": [1, 2], **point}]}, 2)


def body_of(kind: str, **body: Any) -> Callable[[], Any]:
    return lambda: read_write(kind, body, 2)


def place(**body: Any) -> Callable[[], Any]:
    return lambda: read_placement("docs", body)


def query(**body: Any) -> Callable[[], Any]:
    return lambda: read_query(body, 2, lambda _: None)


@pytest.mark.parametrize(
    ("read", "status", "said"),
    [
        (upsert(id="abc"), 400, "Format error in JSON body: value abc is not a valid point ID, valid values are"),
        (upsert(id=-1), 400, "not a valid point ID"),
        (upsert(id=True), 400, "not a valid point ID"),
        (upsert(vector=[1]), 400, "Wrong input: Vector dimension error: expected dim: 2, got 1"),
        (upsert(vector={"text": [1, 2]}), 400, "one unnamed dense vector"),
        (upsert(vector=[[1, 2]]), 400, "one unnamed dense vector"),
        (upsert(vector=["a", "b"]), 400, "isn't made of numbers"),
        (upsert(vector=None), 400, "missing field `vector`"),
        (upsert(payload=[]), 400, "payload: expected an object"),
        (upsert(shard_key="a"), 400, "unknown or unsupported field `shard_key`"),
        (body_of("upsert"), 400, "either `points` or `batch`"),
        (body_of("upsert", batch={"ids": [1, 2], "vectors": [[1, 2]]}), 400, "a batch of 2 ids, 1 vectors"),
        (body_of("delete"), 400, "expected one of `points` and `filter`"),
        (body_of("set", points=[1]), 400, "missing field `payload`"),
        (body_of("set", points=[1], payload=1), 400, "payload: expected an object"),
        (body_of("overwrite", points=[1], payload={}, key="a"), 400, "not supported"),
        (body_of("delete_keys", points=[1], keys="a"), 400, "keys: expected a list"),
        (query(query=[1]), 400, "expected dim: 2, got 1"),
        (query(query=["a", "b"]), 400, "isn't made of numbers"),
        (query(query=7), 400, "No point with id 7 found"),
        (query(query={"recommend": {}}), 400, "unknown or unsupported field `recommend`"),
        (query(query=[1, 2], prefetch=[]), 400, "unknown or unsupported field `prefetch`"),
        (query(query=[1, 2], using="text"), 400, "Not existing vector name error: text"),
        (query(query=[1, 2], params={"acorn": {}}), 400, "not supported"),
        (query(query=[1, 2], params={"quantization": {}}), 400, "not supported"),
        (query(query=[1, 2], limit=0), 422, "limit: value 0 invalid, must be 1 or larger"),
        (query(query=[1, 2], limit="1"), 400, "limit: expected an unsigned integer"),
        (query(query=[1, 2], with_payload={"include": [], "exclude": []}), 400, "either `include` or `exclude`"),
        (query(query=[1, 2], with_vector=["text"]), 400, "a named vector is not supported"),
        (lambda: read_search({"vector": [1, 2]}, 2), 400, "missing field `limit`"),
        (lambda: read_scroll({"order_by": "n"}), 400, "unknown or unsupported field `order_by`"),
        (lambda: read_count([]), 400, "expected an object"),
        (lambda: read_facet({}), 400, "missing field `key`"),
        (lambda: read_facet({"key": 1}), 400, "key: expected a string"),
        (lambda: read_retrieval({"ids": [1], "with_vector": 1}), 400, "with_vector: expected a boolean"),
        (lambda: read_params({}), 400, "missing field `vectors`"),
        (lambda: read_params({"vectors": {"text": COSINE}}), 400, "a named vector is not supported"),
        (lambda: read_params({"vectors": {**COSINE, "on_disk": True}}), 400, "unsupported field `on_disk`"),
        (lambda: read_params({"vectors": COSINE, "shard_number": 2}), 400, "more than one shard is not supported"),
        (lambda: read_params({"vectors": COSINE, "hnsw_config": {}}), 400, "unsupported field `hnsw_config`"),
        (lambda: read_params({"vectors": {"size": 2, "distance": "Far"}}), 400, "unknown variant `Far`"),
        (lambda: read_params({"vectors": {"size": 70000, "distance": "Dot"}}), 400, "more than 65536"),
        (lambda: read_params({"vectors": COSINE, "replication_factor": 0}), 422, "must be 1 or larger"),
        (lambda: changed_params(Params(2, "Dot"), {"optimizers_config": {}}), 400, "unsupported field"),
        (place(), 400, "did not match any variant"),
        (place(drop_replica={"shard_id": 0, "peer_id": 1}, replicate_shard={}), 400, "did not match any variant"),
        (place(move_shard={}), 400, "the operation move_shard is not supported"),
        (place(drop_replica={"shard_id": 0}), 400, "missing field `peer_id`"),
        (place(drop_replica={"shard_id": 3, "peer_id": 1}), 400, "Bad request: Shard 3 of docs does not exist"),
        (place(drop_replica={"shard_id": 0, "peer_id": "1"}), 400, "peer_id: expected an unsigned integer"),
        (place(replicate_shard={"shard_id": 0, "from_peer_id": 1}), 400, "missing field `to_peer_id`"),
        (
            place(replicate_shard={"shard_id": 0, "from_peer_id": 1, "to_peer_id": 1}),
            422,
            'cannot transfer shard to itself, "to_peer_id" must be different than 1 in "from_peer_id"',
        ),
        (lambda: read_schema("word"), 400, "unknown variant `word`"),
        (lambda: read_schema({"type": "keyword", "shape": 1}), 400, "field_schema"),
        (lambda: read_schema({"on_disk": True}), 400, "missing field `type`"),
        (lambda: check_options({"wiat": "true"}, "wait"), 400, "parameter `wiat`"),
        (lambda: wants_completion({"wait": "yes"}), 400, "wait: expected true or false"),
        (lambda: wants_completion({"ordering": "strong"}), 400, "ordering=strong is not supported"),
        (lambda: switch({"force": "1"}, "force"), 400, "force: expected true or false"),
        (lambda: needed_replicas({"consistency": "most"}, 3), 400, "consistency: expected"),
        (lambda: timeout_s({"timeout": "soon"}), 400, "timeout: expected"),
    ],
)
def test_requests_that_the_node_cannot_do_are_refused(read: Callable[[], Any], status: int, said: str) -> None:
    with pytest.raises(QdrantError) as refusal:
        read()
    assert refusal.value.status == status
    assert said in refusal.value.message


def test_ids_are_spelled_in_one_way() -> None:
    assert point_id(UUID.upper()) == point_id(UUID.replace("-", "")) == point_id(f"urn:uuid:{UUID}") == UUID
    assert point_id(2**64 - 1) == 2**64 - 1


def test_a_batch_in_columns_is_the_points_it_lists() -> None:
    write = read_write("upsert", {"batch": {"ids": [1, UUID.upper()], "vectors": [[1, 2], [3, 4]]}}, 2)
    assert write.ids == [1, UUID]
    assert not write.alters


def test_of_a_point_given_twice_the_last_counts(shard: EdgeShard) -> None:
    points = [{"id": 9, "vector": [1, 1], "payload": {"v": version}} for version in (1, 2)]
    write = read_write("upsert", {"points": points}, 2)
    assert write.ids == [9]
    shard.update(write.operation([9]))
    assert shard.retrieve([9], True, False)[0].payload == {"v": 2}
    shard.update(read_write("delete", {"points": [9]}, 2).operation([9]))


def test_an_index_can_have_options() -> None:
    assert read_schema({"type": "keyword", "is_tenant": True}).is_tenant is True
    assert read_schema({"type": "text", "tokenizer": "word", "lowercase": True}).lowercase is True


def test_the_factors_of_a_collection_can_be_changed() -> None:
    params = read_params({"vectors": COSINE, "replication_factor": 3, "write_consistency_factor": 2})
    changed = changed_params(params, {"params": {"write_consistency_factor": 1}})
    assert (changed.replication_factor, changed.write_consistency_factor, changed.size) == (3, 1, 2)


@pytest.mark.parametrize(
    ("query", "needed"),
    [({}, 1), ({"consistency": "2"}, 2), ({"consistency": "5"}, 3), ({"consistency": "majority"}, 3)],
)
def test_a_consistent_read_needs_active_replicas(query: dict[str, str], needed: int) -> None:
    assert needed_replicas(query, 3) == needed
