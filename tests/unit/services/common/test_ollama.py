import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY

from services.common import ollama
from services.common.http import Http
from services.common.ollama import Ollama, OllamaUnavailableError
from tests.protections import protection
from tests.servers import REFUSING, Answer, drops, hangs, says, streams, upstream

Line = dict[str, Any]
DONE: Line = {"response": "", "done": True}


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http() as http:
        yield http


def server(http: Http, url: str) -> Ollama:
    return Ollama(
        http,
        url + "/",
        embedding_model="all-minilm",
        generation_model="extractive",
        embedding=protection(),
        generation=protection(),
    )


def lines(*said: Line, then: Answer | None = None) -> Answer:
    return streams(*(orjson.dumps(line) + b"\n" for line in said), then=then)


async def embeds(request: Any) -> Any:
    """Each text's vector is its length."""
    return await says({"embeddings": [[float(len(text))] for text in (await request.json())["input"]]})(request)


async def test_texts_are_embedded_in_batches_and_keep_their_order(http: Http) -> None:
    async with upstream(embeds) as model:
        vectors = await server(http, model.url).embed(["x" * n for n in range(35)])
    assert vectors == [[float(n)] for n in range(35)]
    assert [(method, path, len(body["input"])) for method, path, body in model.asked] == [
        ("POST", "/api/embed", 16),
        ("POST", "/api/embed", 16),
        ("POST", "/api/embed", 3),
    ]


async def test_the_model_is_the_stacks_unless_another_is_named(http: Http) -> None:
    async with upstream(embeds) as model:
        await server(http, model.url).embed(["x"])
        await server(http, model.url).embed(["x"], model="other")
        assert await server(http, model.url).embed([]) == []
    assert [body["model"] for _, _, body in model.asked] == ["all-minilm", "other"]


async def test_an_answer_comes_piece_by_piece(http: Http) -> None:
    proceed = asyncio.Event()

    async def second(request: Any) -> None:
        await proceed.wait()

    async with upstream(lines({"response": "one"}, {"response": ""}, then=second)) as model:  # type: ignore[arg-type]  # no answer of its own
        pieces = server(http, model.url).generate("why?")
        assert await anext(pieces) == "one"  # while the rest is still to come
        proceed.set()
        with pytest.raises(OllamaUnavailableError, match="without its end"):
            await anext(pieces)
    assert model.asked == [("POST", "/api/generate", {"model": "extractive", "prompt": "why?", "stream": True})]


async def test_an_answer_ends_with_its_last_line(http: Http) -> None:
    async with upstream(lines({"response": "one "}, {"response": "two"}, DONE, then=hangs)) as model:
        pieces = [piece async for piece in server(http, model.url).generate("?")]
        assert pieces == ["one ", "two"]
        await asyncio.wait_for(model.hung_up.wait(), 1)


async def test_the_last_line_may_be_as_long_as_the_prompt(http: Http) -> None:
    async with upstream(lines({"response": "one"}, {**DONE, "context": list(range(100_000))})) as model:
        assert [piece async for piece in server(http, model.url).generate("?")] == ["one"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lines({"response": "one"}, {"error": "out of memory"}), "broke off: out of memory"),
        (lines({"response": "one"}), "without its end"),
        (streams(b'{"response": "one"}\n', b"<html>\n"), "JSONDecodeError"),
        (streams(b'{"response": "one"}\n', then=drops), "does not answer"),
        (lines({"response": "one"}, then=hangs), "TimeoutError"),
    ],
    ids=["error line", "end", "no json", "drop", "silence"],
)
async def test_an_answer_that_breaks_off_is_an_error_after_its_pieces(
    http: Http, answer: Answer, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama, "SILENCE_S", 0.05)
    async with upstream(answer) as model:
        pieces = server(http, model.url).generate("?")
        assert await anext(pieces) == "one"
        with pytest.raises(OllamaUnavailableError, match=words):
            await anext(pieces)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (says({"error": "model 'x' not found"}, 404), r"^Ollama answered 404: .*model 'x' not found"),
        (says({"error": "overloaded"}, 503), r"^Ollama answered 503"),
        (drops, "^Ollama does not answer: "),
        (hangs, "^Ollama does not answer: TimeoutError$"),
        (streams(b"<html>"), "JSONDecodeError"),
    ],
    ids=["404", "503", "drop", "hang", "no json"],
)
async def test_whatever_is_wrong_with_the_server_is_unavailability(
    http: Http, answer: Answer, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama, "EMBED_ONE_TIMEOUT_S", 0.05)
    async with upstream(answer) as model:
        with pytest.raises(OllamaUnavailableError, match=words):
            await server(http, model.url).embed(["x"])


async def test_a_server_that_is_not_there_is_unavailable(http: Http) -> None:
    with pytest.raises(OllamaUnavailableError, match="ClientConnectorError"):
        await server(http, REFUSING).ping()


def attempts() -> float:
    labels = {"dependency": "ollama", "outcome": "ok"}
    return REGISTRY.get_sample_value("dependency_attempt_seconds_count", labels) or 0.0


async def test_ping_asks_for_the_version_and_is_no_attempt(http: Http) -> None:
    before = attempts()
    async with upstream(says({"version": "0"})) as model:
        await server(http, model.url).ping()
    assert model.asked == [("GET", "/api/version", None)]
    assert attempts() == before


@pytest.mark.parametrize("closed", [False, True])
async def test_a_caller_who_stops_stops_the_generation(http: Http, closed: bool) -> None:
    async with upstream(lines({"response": "one"}, then=hangs)) as model:
        pieces = server(http, model.url).generate("?")
        await anext(pieces)
        if closed:
            await pieces.aclose()
        else:
            waiting = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
        await asyncio.wait_for(model.hung_up.wait(), 1)
