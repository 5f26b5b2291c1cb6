import asyncio
from collections import Counter
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY

from services.common.errors import UnavailableError
from services.common.versions import LEASE_S
from services.query.fallback import spread
from tests.servers import drops, eventually, hangs, says
from tests.unit.services.query.conftest import Service, events, found, generates, passage

STREAM = {"accept": "text/event-stream"}


def away(service: Service) -> None:
    service.ollama.answer = drops


def cached(headers: httpx.Headers) -> tuple[str | None, ...]:
    return tuple(headers.get(name) for name in ("x-from-cache", "x-service-degraded", "age"))


def requests(kind: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("cache_requests_total", {"kind": kind, "outcome": outcome}) or 0.0


async def kept(service: Service, count: int = 1) -> None:
    await eventually(lambda: len(service.redis.entries) == count)


async def test_a_repeated_search_is_answered_from_the_cache_byte_for_byte(service: Service) -> None:
    await service.versions.poll()
    live = await service.search()
    assert cached(live.headers) == (None, None, None)
    await kept(service)
    service.clock.now += 0.9
    again = await service.search()
    assert (again.content, cached(again.headers)) == (live.content, ("true", None, "0"))
    assert again.headers["content-type"] == live.headers["content-type"] == "application/json"
    assert len(service.qdrant.asked) == 1
    await eventually(lambda: len(service.written) == 2)
    told = [(entry.answered_from, entry.results, entry.top_score, entry.status) for entry in service.written]
    assert told == [("live", 2, 0.9, 200), ("cache", 2, 0.9, 200)]


async def test_a_repeated_question_is_answered_from_the_cache_in_either_form(service: Service) -> None:
    await service.versions.poll()
    live = await service.ask()
    await kept(service)
    again, streamed = await service.ask(), await service.ask(STREAM)
    assert (again.content, cached(again.headers)) == (live.content, ("true", None, "0"))
    assert cached(streamed.headers) == ("true", None, "0")
    sources, token, done = events(streamed.content)
    assert [citation["path"] for citation in sources[1]["citations"]] == ["dir/1.md", "dir/2.md"]
    assert token == ("token", {"text": "Three nodes can agree [2]."})
    assert done == ("done", live.json())
    assert len(service.prompts()) == 1


async def test_what_was_streamed_is_kept_too(service: Service) -> None:
    await service.versions.poll()
    streamed = await service.ask(STREAM)
    assert cached(streamed.headers) == (None, None, None)
    await kept(service)
    again = await service.ask()
    assert (again.json(), cached(again.headers)) == (events(streamed.content)[-1][1], ("true", None, "0"))


async def test_a_stream_that_is_not_completed_is_not_kept(service: Service) -> None:
    await service.versions.poll()
    service.answers(generate=generates("Three ", last={"error": "out of memory"}))
    await service.ask(STREAM)
    await service.ask()
    assert service.redis.entries == {}


async def test_whatever_an_answer_depends_on_is_looked_up_apart(service: Service) -> None:
    await service.versions.poll()
    asked = ["q=why", "q=how", "q=why&limit=3", "q=why&collection=b", "q=why&path=a", "q=why&path_prefix=a"]
    asked += ["q=why&document_id=a", "q=why&score_threshold=0.5"]
    for number, query in enumerate(asked, 1):
        assert cached((await service.search(query)).headers)[0] is None
        await kept(service, number)
    await service.ask(question="why")
    await kept(service, len(asked) + 1)
    for query in asked:
        assert cached((await service.search(query)).headers)[0] == "true"


async def test_after_a_change_the_answer_is_live_and_then_cached_anew(service: Service) -> None:
    await service.versions.poll()
    await service.search()
    await kept(service)
    service.changes["docs"] = 1
    await service.versions.poll()
    service.qdrant.answer = found(passage(3, 0.7))
    (old,) = service.redis.entries.values()
    live = await service.search()
    assert cached(live.headers) == (None, None, None)
    await eventually(lambda: list(service.redis.entries.values()) != [old])
    again = await service.search()
    assert (again.content, cached(again.headers)) == (live.content, ("true", None, "0"))


async def test_a_change_during_the_computation_makes_its_answer_stale(service: Service) -> None:
    await service.versions.poll()

    async def changes(request: Any) -> Any:
        service.changes["docs"] = 1
        await service.versions.poll()
        return await found(passage(1, 0.9))(request)

    service.qdrant.answer = changes
    await service.search()
    await kept(service)
    assert cached((await service.search()).headers) == (None, None, None)


async def test_a_change_of_another_collection_changes_nothing(service: Service) -> None:
    await service.versions.poll()
    await service.search()
    await kept(service)
    service.changes["other"] = 1
    await service.versions.poll()
    assert cached((await service.search()).headers) == ("true", None, "0")


async def test_without_a_version_that_holds_everything_is_live_and_stale_answers_still_help(service: Service) -> None:
    await service.search()
    await kept(service)
    assert cached((await service.search()).headers) == (None, None, None)
    away(service)
    assert cached((await service.search()).headers) == ("true", "true", "0")
    await service.versions.poll()  # an answer from a time without a version is no fresh one afterwards either
    assert cached((await service.search()).headers) == ("true", "true", "0")


async def test_a_version_that_no_longer_holds_makes_nothing_fresh(service: Service) -> None:
    await service.versions.poll()
    await service.search()
    await kept(service)
    service.clock.now += LEASE_S
    assert cached((await service.search()).headers) == (None, None, None)


async def test_an_answer_is_fresh_for_its_time_only(service: Service) -> None:
    await service.versions.poll()
    await service.search()
    await kept(service)
    ((key, entry),) = service.redis.entries.items()
    over = 300.0 * spread(key)
    for age, expected in ((over - 0.1, ("true", None, str(int(over - 0.1)))), (over, (None, None, None))):
        service.clock.now = 1000.0 + age
        await service.versions.poll()
        service.redis.entries = dict.fromkeys(service.redis.entries, entry)
        assert cached((await service.search()).headers) == expected


def test_answers_of_one_moment_do_not_all_end_at_one_moment() -> None:
    spreads = [spread(f"answer:1:search:{number}") for number in range(1000)]
    assert 0.8 <= min(spreads) < 0.81
    assert 0.99 < max(spreads) <= 1.0
    ends = Counter(int(one * 100) for one in spreads)  # a twentieth of the time that they are spread over
    assert max(ends.values()) < 100


@pytest.mark.parametrize("ask", ["search", "question", "stream"])
async def test_when_live_fails_a_stale_answer_is_marked_and_without_one_it_is_503(service: Service, ask: str) -> None:
    async def asked() -> Any:
        return await (service.search() if ask == "search" else service.ask(stream=ask == "stream"))

    stale = requests("search" if ask == "search" else "question", "stale")
    away(service)
    refused = await asked()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert cached(refused.headers) == (None, None, None)
    service.answers()
    await service.versions.poll()
    live = await asked()
    await kept(service)
    service.changes["docs"] = 1
    await service.versions.poll()
    service.clock.now += 60
    away(service)
    answer = await asked()
    assert (answer.status_code, cached(answer.headers)) == (200, ("true", "true", "60"))
    assert answer.content == live.content or ask == "stream"
    assert requests("search" if ask == "search" else "question", "stale") == stale + 1
    await eventually(lambda: len(service.written) == 3)
    assert [(entry.status, entry.answered_from) for entry in service.written] == [
        (503, None),
        (200, "live"),
        (200, "stale"),
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_fails_at_once_is_stood_in_for_although_passages_were_found(
    service: Service, stream: bool
) -> None:
    await service.ask()
    await kept(service)
    service.answers(generate=says({"error": "no such model"}, 500))
    answer = await service.ask(stream=stream)
    assert (answer.status_code, cached(answer.headers)) == (200, ("true", "true", "0"))


async def test_an_error_of_the_callers_is_told_although_an_answer_was_kept(service: Service) -> None:
    await service.search()
    await service.ask()
    await kept(service, 2)
    service.qdrant.answer = says({"status": {"error": "Collection `docs` doesn't exist!"}}, 404)
    for answer in (await service.search(), await service.ask(), await service.ask(STREAM)):
        assert (answer.status_code, cached(answer.headers)) == (404, (None, None, None))


async def test_a_cache_that_is_away_or_holds_nonsense_costs_no_request(service: Service) -> None:
    await service.versions.poll()
    await service.search()
    await kept(service)
    unusable = requests("search", "unusable")
    service.redis.error = UnavailableError("away")
    assert (await service.search()).status_code == 200
    service.redis.error = None
    service.redis.entries = dict.fromkeys(service.redis.entries, b"nonsense")
    assert (await service.search()).status_code == 200
    assert requests("search", "unusable") == unusable + 2


async def test_the_same_at_once_is_computed_once(service: Service) -> None:
    await service.versions.poll()
    answers = await asyncio.gather(*(service.ask() for _ in range(5)), *(service.search("q=why") for _ in range(5)))
    assert len({answer.content for answer in answers}) == 2
    assert (len(service.prompts()), len(service.qdrant.asked)) == (1, 2)


async def test_without_a_version_nothing_is_shared(service: Service) -> None:
    await asyncio.gather(*(service.search() for _ in range(3)))
    assert len(service.qdrant.asked) == 3


async def test_a_shared_failure_lets_each_fall_back_by_itself(service: Service) -> None:
    await service.versions.poll()
    await service.search()
    await kept(service)
    service.changes["docs"] = 1
    await service.versions.poll()
    away(service)
    answers = await asyncio.gather(*(service.search() for _ in range(3)))
    assert {(answer.status_code, *cached(answer.headers)) for answer in answers} == {(200, "true", "true", "0")}


async def test_a_shared_generation_ends_when_the_last_has_hung_up(service: Service) -> None:
    await service.versions.poll()
    service.answers(generate=generates("Three ", last={"response": "nodes"}, then=hangs))
    callers = [service.caller(stream=False) for _ in range(2)]
    await eventually(service.prompts)
    callers[0].hang_up()
    await callers[0].done
    assert not service.ollama.hung_up.is_set()
    callers[1].hang_up()
    await asyncio.wait_for(service.ollama.hung_up.wait(), 0.5)
    await callers[1].done
    assert len(service.prompts()) == 1


async def test_the_body_that_is_kept_is_the_body_that_was_sent(service: Service) -> None:
    answer = await service.search()
    await kept(service)
    (entry,) = service.redis.entries.values()
    assert entry.endswith(answer.content)
    assert orjson.loads(answer.content)["results"][0]["text"] == "text 1"
