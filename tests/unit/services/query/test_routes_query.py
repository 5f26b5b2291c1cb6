import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.common.service_secret import HEADER
from services.query import answer as answer_module
from services.query.answer import INSTRUCTION, NOTHING_FOUND
from tests.servers import Upstream, drops, eventually, hangs, says, streams
from tests.unit.services.query.conftest import Service, events, found, generates

EVENT_STREAM = {"accept": "text/event-stream"}
Event = tuple[str, dict[str, Any]]
OUT_OF_RANGE: list[tuple[dict[str, Any], str]] = [
    ({"question": " "}, "question"),
    ({"question": "x" * 2001}, "question"),
    ({"question": "a\0b"}, "question"),
    ({"question": None}, "question"),
    ({"question": "\ud800"}, "question"),
    ({"limit": 0}, "limit"),
    ({"limit": 21}, "limit"),
    ({"stream": "perhaps"}, "stream"),
    ({"collection": "a b"}, "collection"),
]


def citation(number: int, score: float, marker: int) -> dict[str, Any]:
    fields = {"path": f"dir/{number}.md", "title": f"Title {number}", "chunk": number, "text": f"text {number}"}
    return {"marker": marker, **fields, "score": score}


async def test_a_question_is_answered_with_the_passages_it_rests_on(service: Service) -> None:
    answer = await service.ask()
    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("took_ms") > 0
    assert body == {
        "answer": "Three nodes can agree [2].",
        "citations": [citation(2, 0.5, marker=2)],
        "model": "extractive",
    }


async def test_the_prompt_is_the_instruction_the_passages_and_the_question_last(service: Service) -> None:
    await service.ask()
    assert service.prompts() == [
        f"{INSTRUCTION}\n\nContext:\n[1] (dir/1.md) text 1\n\n[2] (dir/2.md) text 2\n\nQuestion: why?"
    ]


async def test_an_answer_without_markers_rests_on_all_passages(service: Service) -> None:
    service.answers(generates("Because."))
    assert [c["marker"] for c in (await service.ask()).json()["citations"]] == [1, 2]


async def test_a_marker_of_no_passage_cites_nothing(service: Service) -> None:
    service.answers(generates("So [1], and so [9][12]."))
    assert [c["marker"] for c in (await service.ask()).json()["citations"]] == [1]


async def test_where_nothing_is_found_the_model_is_not_asked(service: Service) -> None:
    service.qdrant.answer = found()
    body = (await service.ask()).json()
    assert (body["answer"], body["citations"], service.prompts()) == (NOTHING_FOUND, [], [])


async def test_five_passages_are_read_unless_told_otherwise_and_filters_apply(service: Service) -> None:
    await service.ask()
    assert service.searched()["limit"] == 5
    await service.ask(limit=20, collection="notes", path="dir/1.md", score_threshold=-1)
    assert service.qdrant.asked[-1][1] == "/collections/notes/points/query"
    assert service.searched()["limit"] == 20
    assert service.searched()["score_threshold"] == -1
    assert service.searched()["filter"] == {"must": [{"key": "path", "match": {"value": "dir/1.md"}}]}


async def test_what_is_out_of_range_is_400_before_any_work_begins(service: Service, subtests: pytest.Subtests) -> None:
    for asked, named in OUT_OF_RANGE:
        for headers in ({}, EVENT_STREAM):
            with subtests.test(asked=asked, headers=headers):
                answer = await service.ask(headers, **asked)
                assert answer.status_code == 400
                assert answer.json()["detail"].startswith(f"{named}: ")
                assert service.ollama.asked == service.qdrant.asked == []


@pytest.mark.parametrize("by_header", [False, True])
async def test_a_stream_brings_the_sources_then_the_pieces_then_the_whole(service: Service, by_header: bool) -> None:
    answer = await (service.ask(EVENT_STREAM) if by_header else service.ask(stream=True))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")
    assert "content-length" not in answer.headers
    sources, *tokens, done = events(answer.content)
    all_passages = [citation(1, 0.9, marker=1), citation(2, 0.5, marker=2)]
    assert sources == ("sources", {"citations": all_passages})
    assert tokens == [("token", {"text": "Three nodes "}), ("token", {"text": "can agree [2]."})]
    assert done[0] == "done"
    assert done[1].pop("took_ms") > 0
    assert done[1] == {"answer": "Three nodes can agree [2].", "citations": all_passages[1:], "model": "extractive"}


async def test_the_sources_come_while_the_answer_is_still_being_written(service: Service) -> None:
    service.answers(hangs)
    caller = service.caller(stream=True)
    await eventually(lambda: caller.body)
    assert [name for name, _ in events(caller.body)] == ["sources"]
    caller.hang_up()
    await caller.done


async def test_a_stream_keeps_its_lines_whatever_the_text_holds(service: Service) -> None:
    service.answers(generates("one\n\nevent: done\ndata: {}\r\n\r\n"))
    names = [name for name, _ in events((await service.ask(stream=True)).content)]
    assert names == ["sources", "token", "done"]


@pytest.mark.parametrize("stream", [False, True])
async def test_what_fails_before_the_first_event_has_its_own_status(service: Service, stream: bool) -> None:
    service.qdrant.answer = says({"status": {"error": "Not found"}}, 404)
    answer = await service.ask(stream=stream)
    assert (answer.status_code, answer.json()["error"]) == (404, "Not Found")
    service.ollama.answer = drops
    answer = await service.ask(stream=stream)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    await eventually(lambda: len(service.written) == 2)
    assert [entry.status for entry in service.written] == [404, 503]


async def test_a_stream_that_breaks_off_ends_with_an_error_event(service: Service) -> None:
    service.answers(generates("Three ", last={"error": "out of memory"}))
    answer = await service.ask(stream=True)
    assert answer.status_code == 200
    *before, last = events(answer.content)
    assert [name for name, _ in before] == ["sources", "token"]
    assert last == (
        "error",
        {"error": "Service Unavailable", "detail": "generation broke off: out of memory"},
    )
    await eventually(lambda: service.written)
    assert service.entry().status == 503


async def test_unstreamed_an_answer_that_breaks_off_is_503(service: Service) -> None:
    service.answers(generates("Three ", last={"error": "out of memory"}))
    answer = await service.ask()
    assert (answer.status_code, answer.json()["detail"]) == (503, "generation broke off: out of memory")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("when", ["embedding", "searching", "before the first piece", "between two pieces"])
async def test_a_client_that_hangs_up_ends_the_work_behind_it(service: Service, stream: bool, when: str) -> None:
    slow: Upstream = service.qdrant if when == "searching" else service.ollama
    if when == "embedding":
        service.ollama.answer = hangs
    elif when == "searching":
        service.qdrant.answer = hangs
    elif when == "before the first piece":
        service.answers(hangs)
    else:
        service.answers(generates("Three ", last={"response": "nodes"}, then=hangs))
    caller = service.caller(stream=stream)
    reached = {"embedding": "/api/embed", "searching": "/collections/docs/points/query"}.get(when, "/api/generate")
    await eventually(lambda: any(path == reached for _, path, _ in slow.asked))
    if when == "between two pieces" and stream:
        await eventually(lambda: b"nodes" in caller.body)
    caller.hang_up()
    await asyncio.wait_for(slow.hung_up.wait(), 1)
    await caller.done
    assert b"done" not in caller.body
    assert caller.status in (None, 200)
    await eventually(lambda: service.written)
    assert service.entry().status == 499


async def test_a_client_that_hangs_up_without_having_read_ends_the_work_too(service: Service) -> None:
    service.answers(generates("Three ", last={"response": "nodes"}, then=hangs))
    caller = service.caller(stream=True, stalls_at=b"Three")
    await eventually(lambda: b"Three" in caller.body)
    caller.hang_up()
    await asyncio.wait_for(service.ollama.hung_up.wait(), 1)
    await caller.done


async def test_a_client_that_hangs_up_counts_as_gone_and_not_as_a_defect(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    labels = {"method": "POST", "route": "/api/v1/rag/query", "status": "499"}
    before = REGISTRY.get_sample_value("http_requests_total", labels) or 0
    service.answers(hangs)
    for stream in (True, False):
        caller = service.caller(stream=stream)
        asked = len(service.prompts())
        await eventually(lambda asked=asked: len(service.prompts()) > asked)  # type: ignore[misc]  # bound in the loop
        caller.hang_up()
        await caller.done
    assert REGISTRY.get_sample_value("http_requests_total", labels) == before + 2
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_each_question_is_in_the_query_log(service: Service) -> None:
    await service.ask({"X-Consumer-Username": "app", "X-Request-ID": "one"})
    await eventually(lambda: service.written)
    entry = service.entry()
    assert (entry.kind, entry.question, entry.collection, entry.consumer) == ("question", "why?", "docs", "app")
    assert (entry.request_id, entry.status, entry.results, entry.top_score) == ("one", 200, 2, 0.9)


async def test_the_other_services_ask_with_the_service_token_only(service: Service) -> None:
    asked = {"question": "why?"}
    assert (await service.http.post("/internal/query", json=asked)).status_code == 403
    answer = await service.http.post("/internal/query", json=asked, headers={HEADER: "s"})
    assert answer.json()["answer"] == "Three nodes can agree [2]."


async def test_nonsense_of_the_model_breaks_a_stream_off(service: Service) -> None:
    service.answers(streams(b'{"response": "Three "}\n', b'"nodes"\n'))
    answer = await service.ask(stream=True)
    assert [name for name, _ in events(answer.content)] == ["sources", "token", "error"]


async def test_a_defect_ends_a_stream_without_done_and_is_cut(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise AttributeError

    monkeypatch.setattr(answer_module, "cited", broken)
    service.answers(generates("Three "))
    caller = service.caller(stream=True)
    with pytest.raises(AttributeError):
        await caller.done
    assert caller.sent[-1].get("more_body") is True
    await eventually(lambda: service.written)
    assert service.entry().status == 500
