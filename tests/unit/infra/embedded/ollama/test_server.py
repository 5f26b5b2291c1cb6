import asyncio
import json

import pytest

from tests.servers import eventually

from .conftest import MAX_QUEUE, MAX_WORDS, Client, FakeModel

SECRET = "the text of a prompt"
EMBED, EMBEDDINGS, GENERATE, CHAT = "/api/embed", "/api/embeddings", "/api/generate", "/api/chat"


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        (EMBED, "", 400, "missing request body"),
        (EMBED, "{", 400, "invalid JSON: unexpected end of data: line 1 column 2 (char 1)"),
        (EMBED, "[1]", 400, "json: cannot unmarshal array into Go value of type api.EmbedRequest"),
        (
            EMBED,
            {"model": 1},
            400,
            "json: cannot unmarshal number into Go struct field EmbedRequest.model of type string",
        ),
        (EMBED, {"model": "all-minilm", "input": 3}, 400, "invalid input type"),
        (EMBED, {"model": "all-minilm", "input": ["a", 3]}, 400, "invalid input type"),
        (
            EMBED,
            {"model": "all-minilm", "input": "a", "truncate": "no"},
            400,
            "json: cannot unmarshal string into Go struct field EmbedRequest.truncate of type bool",
        ),
        (EMBED, {"model": "new", "input": "a"}, 404, 'model "new" not found, try pulling it first'),
        (EMBED, {"input": "a"}, 404, 'model "" not found, try pulling it first'),
        (EMBED, {"model": "extractive", "input": "a"}, 400, '"extractive" does not support embedding'),
        (
            EMBED,
            {"model": "all-minilm", "input": "a " * 300, "truncate": False},
            400,
            "input exceeds maximum context length",
        ),
        (EMBEDDINGS, {"prompt": "a"}, 400, "model is required"),
        (EMBEDDINGS, {"model": "new", "prompt": "a"}, 404, 'model "new" not found, try pulling it first'),
        (GENERATE, {"prompt": "a"}, 404, "model '' not found"),
        (GENERATE, {"model": "new", "prompt": "a"}, 404, "model 'new' not found"),
        (GENERATE, {"model": "all-minilm", "prompt": "a"}, 400, '"all-minilm" does not support generate'),
        (GENERATE, {"model": "extractive", "prompt": "a", "suffix": "b"}, 400, '"extractive" does not support insert'),
        (
            GENERATE,
            {"model": "extractive", "prompt": "a", "format": "json"},
            400,
            '"extractive" does not support structured outputs',
        ),
        (
            GENERATE,
            {"model": "extractive", "prompt": "a", "images": ["b"]},
            400,
            '"extractive" does not support vision',
        ),
        (CHAT, {"messages": []}, 400, "model is required"),
        (CHAT, {"model": "new"}, 404, "model 'new' not found"),
        (CHAT, {"model": "all-minilm"}, 400, '"all-minilm" does not support chat'),
        (CHAT, {"model": "extractive", "tools": [{}]}, 400, '"extractive" does not support tools'),
        (CHAT, {"model": "extractive", "think": True}, 400, '"extractive" does not support thinking'),
        (
            CHAT,
            {"model": "extractive", "messages": ["hi"]},
            400,
            "json: cannot unmarshal string into Go value of type api.Message",
        ),
        ("/api/show", {}, 400, "model is required"),
        ("/api/show", {"model": "new"}, 404, "model 'new' not found"),
        ("/api/pull", {}, 400, "invalid model name"),
        (
            "/api/pull",
            {"model": "new"},
            501,
            "this server has all-minilm and extractive only and downloads nothing: for other models install Ollama",
        ),
    ],
)
async def test_a_wrong_request_is_refused_in_ollamas_words(
    client: Client, path: str, body: object, status: int, error: str
) -> None:
    async with client.post(path, data=body if isinstance(body, str) else json.dumps(body)) as answer:
        assert (answer.status, answer.content_type) == (status, "application/json")
        assert await answer.json() == {"error": error}


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [("GET", "/api/nothing", 404, "404 page not found"), ("GET", EMBED, 405, "405 method not allowed")],
)
async def test_a_path_or_method_that_is_not_there_is_refused_as_text(
    client: Client, method: str, path: str, status: int, text: str
) -> None:
    async with client.request(method, path) as answer:
        assert (answer.status, answer.content_type, await answer.text()) == (status, "text/plain", text)


@pytest.mark.parametrize("name", ["all-minilm", "all-minilm:latest", "all-minilm:22m", "ALL-MiniLM"])
async def test_a_model_has_several_names(client: Client, name: str) -> None:
    async with client.post(EMBED, json={"model": name, "input": "7 words"}) as answer:
        assert (await answer.json())["model"] == name


async def test_null_is_as_good_as_missing(client: Client) -> None:
    body = {"model": "all-minilm", "input": "7 words", "truncate": None, "dimensions": None, "options": None}
    async with client.post(EMBED, json=body) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("body", [{"input": ""}, {"input": []}, {"input": None}, {}])
async def test_nothing_to_embed_has_no_embeddings(client: Client, body: dict[str, object]) -> None:
    async with client.post(EMBED, json={"model": "all-minilm", **body}) as answer:
        assert await answer.json() == {"model": "all-minilm", "embeddings": []}


@pytest.mark.parametrize(("path", "body"), [(GENERATE, {}), (CHAT, {}), (CHAT, {"messages": []})])
async def test_without_a_prompt_the_model_is_only_loaded(client: Client, path: str, body: dict[str, object]) -> None:
    async with client.post(path, json={"model": "extractive", **body}) as answer:
        loaded = await answer.json()
        assert (loaded["done"], loaded["done_reason"]) == (True, "load")


async def test_the_last_question_of_a_chat_is_answered_from_what_the_system_says(client: Client) -> None:
    messages = [
        {"role": "system", "content": "Context:\n[1] Grass is green. [2] is no passage."},
        {"role": "user", "content": "what is blue?"},
        {"role": "assistant", "content": "The sky is."},
        {"role": "user", "content": "what is green?"},
    ]
    # The fake embeddings of texts that do not begin with a number are negative: their product is large.
    async with client.post(CHAT, json={"model": "extractive", "messages": messages, "stream": False}) as answer:
        assert (await answer.json())["message"]["content"] == '"Grass is green. [2] is no passage." [1]'


async def test_more_requests_than_may_wait_are_told_that_the_server_is_busy(client: Client, model: FakeModel) -> None:
    model.gate.clear()
    body = {"model": "all-minilm", "input": "1 word"}
    waiting = [asyncio.create_task(client.post(EMBED, json=body)) for _ in range(MAX_QUEUE)]
    await eventually(lambda: len(model.batches) == 1)
    async with client.post(EMBED, json=body) as refused:
        assert refused.status == 503
        error = "server busy, please try again.  maximum pending requests exceeded"
        assert await refused.json() == {"error": error}
    model.gate.set()
    assert [answer.status for answer in await asyncio.gather(*waiting)] == [200] * MAX_QUEUE


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (EMBED, {"model": "all-minilm", "input": [f"{n} {'word ' * MAX_WORDS}" for n in range(30)]}),
        (GENERATE, {"model": "extractive", "prompt": f"Context:\n{'Many words. ' * 300}\n\nQuestion: how many?"}),
    ],
)
async def test_a_client_that_hangs_up_stops_its_work(
    client: Client, model: FakeModel, path: str, body: dict[str, object]
) -> None:
    model.gate.clear()
    request = asyncio.create_task(client.post(path, json=body))
    await eventually(lambda: len(model.batches) == 1)
    request.cancel()
    await asyncio.wait([request])
    async with client.get("/api/version"):
        model.gate.set()
    async with client.post(EMBED, json={"model": "all-minilm", "input": "1 word"}) as answer:
        assert answer.status == 200
    assert model.embedded < 10


async def test_a_client_that_leaves_while_it_is_answered_is_no_failure(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    prompt = f"Context:\n{'Many words. ' * 2000}\n\nQuestion: how many?"
    answer = await client.post(GENERATE, json={"model": "extractive", "prompt": prompt})
    answer.close()
    await client.close()  # and the server with it, once its handlers have ended
    assert caplog.records == []


async def test_a_failure_is_logged_once_without_what_was_asked(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with client.post(EMBED, json={"model": "all-minilm", "input": [SECRET, "poison"]}) as answer:
        assert (answer.status, await answer.json()) == (500, {"error": "RuntimeError: a poisoned batch"})
    async with client.post(EMBED, json={"model": "new", "input": SECRET}) as answer:
        assert answer.status == 404
    async with client.post(EMBED, json={"model": "all-minilm", "input": SECRET}) as answer:
        assert answer.status == 200
    crash, refusal = caplog.records
    assert crash.exc_info
    assert json.loads(refusal.getMessage()) | {"took_ms": 0} == {
        "method": "POST",
        "path": EMBED,
        "status": 404,
        "error": 'model "new" not found, try pulling it first',
        "took_ms": 0,
    }
    assert SECRET not in caplog.text
