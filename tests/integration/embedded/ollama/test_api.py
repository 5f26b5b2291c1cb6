import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.embedded.ollama import API_VERSION
from infra.models import missing, pull

from .conftest import Server

DOCUMENTED = json.loads(Path(__file__).with_name("documented.json").read_text())["answers"]
PROMPT = """Answer the question using only the passages of the context.

Context:
[1] (cats.md) Cats sleep for most of the day. They hunt at night.

[2] (breakers.md) ## Circuit breakers

A circuit breaker stops calls to a failing service. After a pause it lets one call through.

Question: how do circuit breakers work?"""
QUOTED = '"A circuit breaker stops calls to a failing service. After a pause it lets one call through." [2]'
REQUESTS: dict[str, dict[str, Any]] = {
    "/api/show": {"model": "all-minilm"},
    "/api/embed": {"model": "all-minilm", "input": "Why is the sky blue?"},
    "/api/embeddings": {"model": "all-minilm", "prompt": "Here is an article about llamas..."},
    "/api/generate": {"model": "extractive", "prompt": PROMPT},
    "/api/chat": {"model": "extractive", "messages": [{"role": "user", "content": PROMPT}]},
    "/api/pull": {"model": "all-minilm"},
}


def shape(value: Any) -> Any:
    """What a value consists of, without its content; a list counts by its first element."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value)


def assert_has(answer: Any, documented: Any) -> None:
    """The answer has all that the documented one has, and perhaps more."""
    if isinstance(documented, dict):
        for key, value in documented.items():
            assert key in answer
            assert_has(answer[key], value)
    elif isinstance(documented, list):
        assert_has(answer[0], documented[0])
    else:
        assert answer is documented


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("endpoint", DOCUMENTED)
def test_answers_have_the_documented_shape(client: httpx.Client, endpoint: str) -> None:
    method, path = endpoint.split()
    answer = client.request(method, path, json=REQUESTS.get(path))
    assert answer.status_code == 200
    documented = DOCUMENTED[endpoint]
    if isinstance(documented, list):
        first, *_, last = lines(answer)
        assert [shape(first), shape(last)] == [shape(line) for line in documented]
    else:
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert_has(shape(answer.json()), shape(documented))


def test_it_says_that_it_runs(client: httpx.Client) -> None:
    assert client.get("/").text == "Ollama is running"
    for path in ("/", "/api/version", "/api/tags"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
    assert client.get("/api/version").json() == {"version": API_VERSION}


def test_it_has_two_models_always_loaded(client: httpx.Client) -> None:
    names = [model["name"] for model in client.get("/api/tags").json()["models"]]
    assert names == ["all-minilm:latest", "all-minilm:22m", "extractive:latest"]
    loaded = client.get("/api/ps").json()["models"]
    assert [(model["name"], model["size_vram"], model["context_length"]) for model in loaded] == [
        ("all-minilm:latest", 0, 256),
        ("extractive:latest", 0, 0),
    ]
    assert all(model["expires_at"] > "2300" for model in loaded)


@pytest.mark.parametrize(("model", "capability"), [("all-minilm", "embedding"), ("extractive", "completion")])
def test_a_model_says_what_it_can_do(client: httpx.Client, model: str, capability: str) -> None:
    assert client.post("/api/show", json={"model": model}).json()["capabilities"] == [capability]


@pytest.mark.parametrize("path", ["/api/generate", "/api/chat"])
def test_an_answer_is_the_same_streamed_and_whole(client: httpx.Client, path: str) -> None:
    def said(part: dict[str, Any]) -> str:
        return str(part["response"] if path == "/api/generate" else part["message"]["content"])

    parts = lines(client.post(path, json=REQUESTS[path]))
    whole = client.post(path, json=REQUESTS[path] | {"stream": False}).json()
    assert "".join(map(said, parts)) == said(whole) == QUOTED
    assert [part["done"] for part in parts] == [False] * (len(parts) - 1) + [True]
    assert shape(whole) == shape(parts[-1])
    assert (whole["done_reason"], whole["eval_count"]) == ("stop", len(QUOTED.split()))
    assert whole["total_duration"] >= whole["load_duration"] + whole["prompt_eval_duration"] > 0


def test_what_the_context_does_not_answer_is_not_answered(client: httpx.Client) -> None:
    prompt = PROMPT.replace("how do circuit breakers work?", "what is the capital of France?")
    answer = client.post("/api/generate", json={"model": "extractive", "prompt": prompt, "stream": False})
    assert answer.json()["response"] == "The given context does not answer this."


def test_the_job_that_fetches_models_finds_what_it_needs_or_learns_why_not(server: Server) -> None:
    assert missing(server.url, ["all-minilm", "all-minilm:22m", "extractive"]) == []
    assert list(pull(server.url, "all-minilm")) == ["pulling manifest", "success"]
    with pytest.raises(RuntimeError, match="this server has all-minilm and extractive only and downloads nothing"):
        list(pull(server.url, "llama3.2"))


def test_an_unknown_model_is_not_found(client: httpx.Client) -> None:
    answer = client.post("/api/embed", json={"model": "new", "input": "a"})
    assert (answer.status_code, answer.json()) == (404, {"error": 'model "new" not found, try pulling it first'})
