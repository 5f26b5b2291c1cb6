import pytest
from fastapi import FastAPI

from services.common import database
from services.common.service_secret import HEADER
from services.query.main import build
from services.query.settings import QuerySettings
from tests.servers import REFUSING, client


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The whole service, with nothing of what it depends on."""
    monkeypatch.setattr(database, "ACQUIRE_TIMEOUT_S", 0.05)
    address = REFUSING.removeprefix("http://")
    told = {
        "inter_service_secret": "s",
        "qdrant_urls": REFUSING,
        "ollama_url": REFUSING,
        "database_url": f"postgresql://rag@{address}/rag",
        "redis_url": f"redis://{address}/0",
    }
    return build(QuerySettings.model_validate(told))


async def test_it_starts_and_tells_what_is_missing_when_everything_is(app: FastAPI) -> None:
    async with client(app) as http:
        assert (await http.get("/health")).status_code == 200
        answer = await http.get("/ready")
    dependencies = answer.json()["dependencies"]
    assert answer.status_code == 503
    assert {name: seen["required"] for name, seen in dependencies.items()} == {
        "qdrant": True,
        "ollama": True,
        "timescaledb": False,
        "redis": False,
    }
    assert not any(seen["ok"] for seen in dependencies.values())


async def test_search_and_query_answer_below_v1_below_internal_and_at_their_older_paths(app: FastAPI) -> None:
    async with client(app) as http:
        for prefix in ("", "/api/v1/rag", "/internal"):
            searched = await http.get(f"{prefix}/search", headers={HEADER: "s"})
            asked = await http.post(f"{prefix}/query", json={}, headers={HEADER: "s"})
            assert (searched.status_code, asked.status_code) == (400, 400)
            assert ("deprecation" in searched.headers) is ("deprecation" in asked.headers) is (prefix == "")


async def test_the_schema_describes_what_is_asked_and_answered(app: FastAPI) -> None:
    async with client(app) as http:
        paths = (await http.get("/openapi.json")).json()["paths"]
    search = paths["/api/v1/rag/search"]["get"]
    names = {parameter["name"] for parameter in search["parameters"]}
    assert names == {"q", "limit", "collection", "document_id", "path", "path_prefix", "score_threshold"}
    assert {"200", "400", "404", "409", "503"} <= set(search["responses"])
    query = paths["/api/v1/rag/query"]["post"]
    assert set(query["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
