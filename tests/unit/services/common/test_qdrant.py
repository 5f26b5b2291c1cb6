import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from services.common import qdrant as module
from services.common.errors import ConflictError, InvalidRequestError, NotFoundError
from services.common.http import Http
from services.common.qdrant import Hit, Point, Qdrant, QdrantUnavailableError, matching
from tests.protections import protection
from tests.servers import REFUSING, Answer, drops, eventually, hangs, says, upstream

POINTS = {"points": [{"id": 7, "score": 0.5, "payload": {"text": "x"}}, {"id": "u", "score": 0.4}]}
FOUND = [Hit(7, 0.5, {"text": "x"}), Hit("u", 0.4, {})]


def store(http: Http, urls: Sequence[str]) -> Qdrant:
    return Qdrant(http, urls, search=protection(), write=protection())


def result(value: Any) -> Answer:
    return says({"result": value, "status": "ok"})


def refusal(status: int, words: str = "because") -> Answer:
    return says({"status": {"error": words}}, status)


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http() as http:
        yield http


@pytest.mark.parametrize("broken", [refusal(500), refusal(503), drops, hangs, None])
async def test_a_read_goes_to_the_next_node_within_the_request(
    http: Http, broken: Answer | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT_S", 0.05)
    async with upstream(broken or hangs) as first, upstream(result(POINTS)) as second:
        qdrant = store(http, [first.url if broken else REFUSING, second.url])
        assert await qdrant.query("docs", [1.0], limit=2) == FOUND


@pytest.mark.parametrize("broken", [refusal(500), drops, hangs])
async def test_a_write_goes_to_the_next_node_within_the_request(
    http: Http, broken: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_TIMEOUT_S", 0.05)
    async with upstream(broken) as first, upstream(result({})) as second:
        await store(http, [first.url, second.url]).delete_ids("docs", [1])
        assert [len(first.asked), len(second.asked)] == [1, 1]


async def test_reads_go_round_the_nodes_and_writes_to_the_first(http: Http) -> None:
    async with upstream(result(POINTS)) as first, upstream(result(POINTS)) as second:
        qdrant = store(http, [first.url, second.url])
        for _ in range(4):
            await qdrant.query("docs", [1.0], limit=1)
        assert [len(first.asked), len(second.asked)] == [2, 2]
        for _ in range(3):
            await qdrant.upsert("docs", [])
        assert [len(first.asked), len(second.asked)] == [5, 2]


@pytest.mark.parametrize("broken", [refusal(500), drops])
async def test_a_failed_node_is_left_alone_by_the_next_calls(http: Http, broken: Answer) -> None:
    async with upstream(broken) as first, upstream(result(POINTS)) as second:
        qdrant = store(http, [first.url, second.url])
        for _ in range(4):
            await qdrant.query("docs", [1.0], limit=1)
        assert [len(first.asked), len(second.asked)] == [1, 4]


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFoundError), (409, ConflictError), (400, InvalidRequestError), (422, InvalidRequestError)],
)
async def test_a_refusal_is_the_callers_and_no_other_node_is_asked(
    http: Http, status: int, error: type[Exception]
) -> None:
    async with upstream(refusal(status, "no such thing")) as first, upstream(result({})) as second:
        with pytest.raises(error, match="no such thing"):
            await store(http, [first.url, second.url]).count("docs")
        assert second.asked == []


@pytest.mark.parametrize("said", [{"status": "error"}, ["nothing"], {}, "Not found"])
@pytest.mark.parametrize("status", [200, 404])
async def test_what_is_not_qdrants_way_to_answer_is_nonsense_and_another_node_is_asked(
    http: Http, said: Any, status: int
) -> None:
    async with upstream(says(said, status)) as broken, upstream(result(POINTS)) as node:
        qdrant = store(http, [broken.url, node.url])
        assert await qdrant.query("docs", [1.0], limit=2) == FOUND
        assert len(broken.asked) == 1


async def test_without_any_node_every_failure_is_told(http: Http) -> None:
    async with upstream(refusal(502)) as node:
        with pytest.raises(QdrantUnavailableError) as told:
            await store(http, [REFUSING, node.url]).list_collections()
    assert told.value.detail == "no vector node answered: qdrant-0: ConnectionRefusedError, qdrant-1: 502"
    assert told.value.response().headers["retry-after"] == "2"


async def test_a_node_that_returned_is_used_again(http: Http) -> None:
    async with upstream(refusal(500)) as node:
        qdrant = store(http, [node.url])
        for _ in range(2):
            with pytest.raises(QdrantUnavailableError):
                await qdrant.count("docs")
        node.answer = result({"count": 3})
        assert await qdrant.count("docs") == 3


async def test_a_caller_who_stops_stops_the_call(http: Http) -> None:
    async with upstream(hangs) as node:
        call = asyncio.create_task(store(http, [node.url]).query("docs", [1.0], limit=1))
        await eventually(lambda: node.asked)
        call.cancel()
        await asyncio.wait({call})
        await asyncio.wait_for(node.hung_up.wait(), 1)


async def test_ping_asks_for_readiness(http: Http) -> None:
    async with upstream(says("all shards are ready")) as node:
        await store(http, [node.url]).ping()
        assert node.asked == [("GET", "/readyz", None)]


async def test_a_query_asks_for_what_is_wanted_and_no_more(http: Http) -> None:
    async with upstream(result(POINTS)) as node:
        qdrant = store(http, [node.url])
        await qdrant.query("docs", [0.5], limit=3)
        await qdrant.query("docs", [0.5], limit=3, where=matching(path="a.md"), score_threshold=0.0)
    plain = {"query": [0.5], "limit": 3, "with_payload": True}
    where = {"must": [{"key": "path", "match": {"value": "a.md"}}]}
    assert node.asked == [
        ("POST", "/collections/docs/points/query", plain),
        ("POST", "/collections/docs/points/query", {**plain, "filter": where, "score_threshold": 0.0}),
    ]


def test_a_filter_holds_a_value_or_one_of_several() -> None:
    assert matching(page=3, path=["a", "b"]) == {
        "must": [{"key": "page", "match": {"value": 3}}, {"key": "path", "match": {"any": ["a", "b"]}}]
    }


async def test_points_are_written_and_deleted_with_acknowledgement(http: Http) -> None:
    async with upstream(result({})) as node:
        qdrant = store(http, [node.url])
        await qdrant.upsert("docs", [Point("u", [1.0], {"path": "a"})])
        await qdrant.delete_ids("docs", ["u", 1])
        await qdrant.delete_matching("docs", matching(path="a"))
    where = {"must": [{"key": "path", "match": {"value": "a"}}]}
    assert node.asked == [
        (
            "PUT",
            "/collections/docs/points?wait=true",
            {"points": [{"id": "u", "vector": [1.0], "payload": {"path": "a"}}]},
        ),
        ("POST", "/collections/docs/points/delete?wait=true", {"points": ["u", 1]}),
        ("POST", "/collections/docs/points/delete?wait=true", {"filter": where}),
    ]


async def test_counts_are_exact_and_may_be_filtered(http: Http) -> None:
    async with upstream(result({"count": 12})) as node:
        qdrant = store(http, [node.url])
        assert await qdrant.count("docs") == 12
        assert await qdrant.count("docs", matching(path="a")) == 12
    bodies = [body for _, _, body in node.asked]
    assert bodies == [{"exact": True}, {"exact": True, "filter": matching(path="a")}]


@pytest.mark.parametrize("status", [200, 409])
async def test_a_collection_is_there_afterwards_whether_new_or_not(http: Http, status: int) -> None:
    created = {"vectors": {"size": 4, "distance": "Cosine"}}
    replicas = {"shard_number": 1, "replication_factor": 3, "write_consistency_factor": 2}
    answers = iter([says({"result": True, "status": {"error": "exists"}}, status), result({}), result({})])

    async def answer(request: Any) -> Any:
        return await next(answers)(request)

    async with upstream(answer) as node:
        await store(http, [node.url]).ensure_collection("docs", 4)
    assert node.asked == [
        ("PUT", "/collections/docs", created | replicas),
        *(
            ("PUT", "/collections/docs/index?wait=true", {"field_name": name, "field_schema": "keyword"})
            for name in ("path", "document_id")
        ),
    ]


async def test_collections_are_listed_described_and_deleted(http: Http) -> None:
    async with upstream(result({"collections": [{"name": "a"}, {"name": "b"}], "points_count": 1})) as node:
        qdrant = store(http, [node.url])
        assert await qdrant.list_collections() == ["a", "b"]
        assert (await qdrant.collection_info("a"))["points_count"] == 1
        await qdrant.delete_collection("a")
    assert node.asked == [
        ("GET", "/collections", None),
        ("GET", "/collections/a", None),
        ("DELETE", "/collections/a", None),
    ]


async def test_a_collections_name_cannot_reach_another_path(http: Http) -> None:
    async with upstream(result({})) as node:
        await store(http, [node.url]).collection_info("../telemetry?x")
    assert node.asked == [("GET", "/collections/..%2Ftelemetry%3Fx", None)]


async def test_a_scroll_reads_page_by_page_to_the_end(http: Http) -> None:
    pages = {
        None: {"points": [{"id": 1, "payload": {"path": "a"}}, {"id": 2}], "next_page_offset": 3},
        3: {"points": [{"id": 3}], "next_page_offset": None},
    }

    async def answer(request: Any) -> Any:
        return await result(pages[(await request.json()).get("offset")])(request)

    async with upstream(answer) as node:
        scrolled = store(http, [node.url]).scroll("docs", matching(path="a"), page=2, payload=["path"])
        assert [point async for point in scrolled] == [(1, {"path": "a"}), (2, {}), (3, {})]
    wanted = {"limit": 2, "with_payload": ["path"], "with_vector": False, "filter": matching(path="a")}
    assert [body for _, _, body in node.asked] == [wanted, {**wanted, "offset": 3}]


async def test_a_scroll_without_a_filter_reads_everything(http: Http) -> None:
    async with upstream(result({"points": [], "next_page_offset": None})) as node:
        assert [point async for point in store(http, [node.url]).scroll("docs")] == []
    assert "filter" not in node.asked[0][2]
