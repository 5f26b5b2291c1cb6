"""Qdrant's own client, as a user's program uses it."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from tests.integration.embedded.qdrant.nodes import Node

X, Y, Z = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]
UUID_ID = "6f0e2d6a-1a53-4a3e-8d20-9c5c0f3d4b11"


@pytest.fixture
def client(nodes: list[Node]) -> Iterator[QdrantClient]:
    client = QdrantClient(url=f"http://127.0.0.1:{nodes[1].http_port}", check_compatibility=False)
    client.create_collection(
        "docs",
        vectors_config=models.VectorParams(size=3, distance=models.Distance.DOT),
        replication_factor=3,
        write_consistency_factor=2,
    )
    client.create_payload_index("docs", "path", models.PayloadSchemaType.KEYWORD)
    client.upsert(
        "docs",
        [
            models.PointStruct(id=1, vector=X, payload={"path": "a", "size": 10}),
            models.PointStruct(id=2, vector=Y, payload={"path": "a", "size": 20, "tags": ["x", "y"]}),
            models.PointStruct(id=UUID_ID.upper(), vector=Z, payload={"path": "b"}),
        ],
    )
    yield client
    client.close()


def field(key: str, **test: object) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key=key, **test)])  # type: ignore[arg-type]  # as the test says


def test_collections(client: QdrantClient) -> None:
    assert [one.name for one in client.get_collections().collections] == ["docs"]
    assert client.collection_exists("docs")
    assert not client.collection_exists("other")
    info = client.get_collection("docs")
    assert info.points_count == 3
    assert info.config.params.replication_factor == 3
    assert info.payload_schema["path"].data_type == "keyword"
    assert info.payload_schema["path"].points == 3
    client.update_collection("docs", collection_params=models.CollectionParamsDiff(write_consistency_factor=3))
    assert client.get_collection("docs").config.params.write_consistency_factor == 3
    client.delete_payload_index("docs", "path")
    assert client.get_collection("docs").payload_schema == {}
    assert client.delete_collection("docs")
    assert not client.delete_collection("docs")


def test_queries(client: QdrantClient) -> None:
    nearest = client.query_points("docs", [0.1, 0.9, 0.2], limit=2, with_payload=["path"], with_vectors=True).points
    assert [(point.id, point.payload) for point in nearest] == [(2, {"path": "a"}), (UUID_ID, {"path": "b"})]
    assert nearest[0].vector == Y
    assert nearest[0].score == pytest.approx(0.9)
    assert [
        p.id for p in client.query_points("docs", X, query_filter=field("size", range=models.Range(gt=10))).points
    ] == [2]
    assert [p.id for p in client.query_points("docs", X, score_threshold=0.5).points] == [1]
    assert [p.id for p in client.query_points("docs", 1, limit=5).points if p.id == 1] == []
    batch = [models.QueryRequest(query=X, limit=1), models.QueryRequest(query=Y, limit=1)]
    assert [answer.points[0].id for answer in client.query_batch_points("docs", batch)] == [1, 2]


def test_reading_points(client: QdrantClient) -> None:
    assert [point.id for point in client.retrieve("docs", [2, UUID_ID, 99])] == [2, UUID_ID]
    page, following = client.scroll("docs", limit=2)
    assert ([point.id for point in page], following) == ([1, 2], UUID_ID)
    assert client.count("docs", field("tags", match=models.MatchValue(value="y"))).count == 1
    assert client.count("docs", field("path", match=models.MatchAny(any=["a", "c"]))).count == 2
    hits = client.facet("docs", "path").hits
    assert [(hit.value, hit.count) for hit in hits] == [("a", 2), ("b", 1)]
    without = models.Filter(must_not=[models.HasIdCondition(has_id=[1])])
    assert client.count("docs", without).count == 2


def test_changing_points(client: QdrantClient) -> None:
    client.set_payload("docs", {"seen": True}, points=[1])
    client.set_payload("docs", {"seen": False}, points=field("path", match=models.MatchValue(value="b")))
    client.overwrite_payload("docs", {"only": 1}, points=[2])
    client.delete_payload("docs", ["size"], points=[1])
    payloads = {point.id: point.payload for point in client.retrieve("docs", [1, 2, UUID_ID])}
    assert payloads == {1: {"path": "a", "seen": True}, 2: {"only": 1}, UUID_ID: {"path": "b", "seen": False}}
    client.clear_payload("docs", points_selector=[2])
    assert client.retrieve("docs", [2])[0].payload == {}
    client.delete("docs", points_selector=[2])
    client.delete("docs", points_selector=field("path", match=models.MatchValue(value="b")))
    assert client.count("docs").count == 1
    columns = models.Batch(ids=[UUID(UUID_ID), 5], vectors=[X, Y], payloads=[{"n": 1}, {"n": 2}])
    assert client.upsert("docs", columns).status == "completed"
    assert client.count("docs").count == 3


def test_what_the_node_cannot_do_is_refused(client: QdrantClient) -> None:
    for attempt in (
        lambda: client.create_collection("named", {"text": models.VectorParams(size=3, distance=models.Distance.DOT)}),
        lambda: client.create_collection("sparse", {}, sparse_vectors_config={"s": models.SparseVectorParams()}),
        lambda: client.query_points("docs", models.RecommendQuery(recommend=models.RecommendInput(positive=[1]))),
        lambda: client.query_points("docs", X, using="text"),
        lambda: client.count("docs", field("seen", match=models.MatchValue(value=True))),
        lambda: client.upsert("docs", [models.PointStruct(id=1, vector=[1.0, 0.0])]),
        lambda: client.facet("docs", "unindexed"),
        lambda: client.scroll("docs", order_by="size"),
    ):
        with pytest.raises(UnexpectedResponse) as refusal:
            attempt()
        assert refusal.value.status_code == 400, refusal.value.content
    with pytest.raises(UnexpectedResponse, match="404"):
        client.set_payload("docs", {"seen": True}, points=[77])
    with pytest.raises(UnexpectedResponse, match="404"):
        client.create_snapshot("docs")
