import asyncio

import pytest
from aiohttp import web

from services.common.service_secret import HEADER
from tests.servers import Caller, drops, eventually, hangs, routes, says
from tests.unit.services.query.conftest import VECTOR, Service, found, passage

OUT_OF_RANGE = [
    ("", "q"),
    ("q=", "q"),
    ("q=%20%20", "q"),
    (f"q={'x' * 2001}", "q"),
    ("q=a%00b", "q"),
    ("q=x&limit=0", "limit"),
    ("q=x&limit=101", "limit"),
    ("q=x&limit=few", "limit"),
    ("q=x&score_threshold=1.1", "score_threshold"),
    ("q=x&score_threshold=nan", "score_threshold"),
    ("q=x&collection=a/b", "collection"),
    ("q=x&collection=..", "collection"),
    ("q=x&collection=a%0A", "collection"),
    ("q=x&path=", "path"),
    ("q=x&path=a%00", "path"),
    ("q=x&path_prefix=", "path_prefix"),
    (f"q=x&document_id={'x' * 1025}", "document_id"),
]


async def test_a_search_answers_the_nearest_passages(service: Service) -> None:
    service.qdrant.answer = found(
        passage(1, 0.75, section="Why", page=3),
        {"id": 2, "score": 0.5, "payload": {"path": "b", "text": "t", "chunk": 0}},
    )
    answer = await service.search("q=%20why%20three%20nodes%20&limit=2")
    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("took_ms") >= 0
    assert body == {
        "query": "why three nodes",
        "collection": "docs",
        "results": [
            {
                "score": 0.75,
                "text": "text 1",
                "document": {"id": "id-1", "path": "dir/1.md", "title": "Title 1"},
                "chunk": 1,
                "section": "Why",
                "page": 3,
            },
            {
                "score": 0.5,
                "text": "t",
                "document": {"id": None, "path": "b", "title": None},
                "chunk": 0,
                "section": None,
                "page": None,
            },
        ],
    }
    assert service.ollama.asked == [("POST", "/api/embed", {"model": "all-minilm", "input": ["why three nodes"]})]
    wanted = {"query": VECTOR, "limit": 2, "with_payload": True}
    assert service.qdrant.asked == [("POST", "/collections/docs/points/query", wanted)]


async def test_ten_results_are_asked_for_unless_told_otherwise(service: Service) -> None:
    await service.search()
    assert service.searched()["limit"] == 10


async def test_filters_reach_the_vector_store(service: Service) -> None:
    await service.search("q=x&collection=Notes-2&path=dir/1.md&document_id=id-1&score_threshold=0.25")
    assert service.qdrant.asked[0][1] == "/collections/Notes-2/points/query"
    assert service.searched()["score_threshold"] == 0.25
    assert service.searched()["filter"] == {
        "must": [
            {"key": "document_id", "match": {"value": "id-1"}},
            {"key": "path", "match": {"value": "dir/1.md"}},
        ]
    }


async def test_a_threshold_of_zero_is_one(service: Service) -> None:
    await service.search("q=x&score_threshold=0")
    assert service.searched()["score_threshold"] == 0


async def test_a_path_prefix_keeps_only_what_begins_so(service: Service) -> None:
    paths = ("decisions/a.md", "old/decisions/b.md", "decisions/c.md", "decisions/d.md")
    service.qdrant.answer = found(*(passage(n, 1 - n / 10, path=path) for n, path in enumerate(paths)))
    answer = await service.search("q=x&path_prefix=decisions/&limit=2")
    assert [r["document"]["path"] for r in answer.json()["results"]] == ["decisions/a.md", "decisions/c.md"]
    assert service.searched()["filter"] == {"must": [{"key": "path", "match": {"text": "decisions/"}}]}
    assert service.searched()["limit"] > 2


async def test_a_path_prefix_finds_what_lies_behind_many_others(service: Service) -> None:
    points = [passage(n, 1 - n / 1000, path=f"{'x/' if n < 100 else ''}a.md") for n in range(110)]

    async def answer(request: web.Request) -> web.StreamResponse:
        return await found(*points[: (await request.json())["limit"]])(request)

    service.qdrant.answer = answer
    searched = await service.search("q=x&path_prefix=a&limit=3")
    assert [r["chunk"] for r in searched.json()["results"]] == [100, 101, 102]
    assert [body["limit"] for _, _, body in service.qdrant.asked] == [12, 48, 192]


async def test_a_path_prefix_is_not_sought_without_end(service: Service) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await found(*[passage(1, 0.5, path="x/a.md")] * (await request.json())["limit"])(request)

    service.qdrant.answer = answer
    assert (await service.search("q=x&path_prefix=a&limit=100")).json()["results"] == []
    assert [body["limit"] for _, _, body in service.qdrant.asked] == [400, 1600, 2000]


async def test_no_results_are_an_empty_list(service: Service) -> None:
    service.qdrant.answer = found()
    answer = await service.search()
    assert (answer.status_code, answer.json()["results"]) == (200, [])


async def test_what_is_out_of_range_is_400_before_any_work_begins(service: Service, subtests: pytest.Subtests) -> None:
    for query, named in OUT_OF_RANGE:
        with subtests.test(query=query):
            answer = await service.search(query)
            assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")
            assert answer.json()["detail"].startswith(f"{named}: ")
            assert service.ollama.asked == service.qdrant.asked == []


async def test_an_unknown_collection_is_404_and_named(service: Service) -> None:
    service.qdrant.answer = says({"status": {"error": "Not found: Collection `nope` doesn't exist!"}}, 404)
    answer = await service.search("q=x&collection=nope")
    assert (answer.status_code, answer.json()["detail"]) == (404, "collection 'nope' does not exist")


async def test_a_collection_of_another_models_vectors_is_409(service: Service) -> None:
    service.qdrant.answer = says({"status": {"error": "Vector dimension error: expected 768, got 384"}}, 400)
    answer = await service.search()
    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        "collection 'docs' was embedded with another model: Vector dimension error: expected 768, got 384"
    )


async def test_without_vectors_or_a_model_the_answer_is_503_and_says_when_to_try_again(service: Service) -> None:
    service.qdrant.answer = says({}, 503)
    no_vectors = await service.search()
    service.ollama.answer = drops
    no_model = await service.search()
    for answer, named in ((no_vectors, "no vector node answered"), (no_model, "Ollama does not answer")):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert named in answer.json()["detail"]


async def test_each_search_is_in_the_query_log(service: Service) -> None:
    await service.search("q=why&collection=notes", **{"X-Consumer-Username": "app", "X-Request-ID": "one"})
    await eventually(lambda: service.written)
    entry = service.entry()
    assert (entry.kind, entry.question, entry.collection, entry.consumer) == ("search", "why", "notes", "app")
    assert (entry.request_id, entry.status, entry.results, entry.top_score) == ("one", 200, 2, 0.9)
    assert entry.took_ms > 0


async def test_a_search_that_fails_is_in_the_query_log_with_its_status(service: Service) -> None:
    service.qdrant.answer = says({"status": {"error": "Not found"}}, 404)
    await service.search()
    await eventually(lambda: service.written)
    assert (service.entry().status, service.entry().results, service.entry().top_score) == (404, 0, None)


async def test_a_search_without_results_has_no_score(service: Service) -> None:
    service.qdrant.answer = found()
    await service.search()
    await eventually(lambda: service.written)
    assert (service.entry().status, service.entry().top_score) == (200, None)


@pytest.mark.parametrize("slow", ["ollama", "qdrant"])
async def test_a_client_that_hangs_up_ends_the_search_behind_it(service: Service, slow: str) -> None:
    dependency = getattr(service, slow)
    dependency.answer = hangs
    caller = Caller(service.app, "GET", "/api/v1/rag/search", query="q=x")
    await eventually(lambda: dependency.asked)
    caller.hang_up()
    await asyncio.wait_for(dependency.hung_up.wait(), 1)
    await caller.done
    assert caller.sent == []
    await eventually(lambda: service.written)
    assert service.entry().status == 499


async def test_the_other_services_search_with_the_service_token_only(service: Service) -> None:
    refused = await service.http.get("/internal/search?q=x")
    assert (refused.status_code, refused.json()) == (403, {"error": "Forbidden"})
    answer = await service.http.get("/internal/search?q=x", headers={HEADER: "s"})
    assert len(answer.json()["results"]) == 2


async def test_no_log_line_holds_the_question(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    service.ollama.answer = routes(embed=says({"error": "no model"}, 500))
    await service.search("q=my+private+question")
    await service.http.post("/api/v1/rag/query", json={"question": "my private question"})
    assert caplog.records
    assert not any("private" in str(vars(record)) for record in caplog.records if record.name.startswith("services"))
