import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from tests.servers import Caller, client
from tests.unit.services.common.conftest import frame

SUCCESSOR = "/api/v1/things"


def uses(path: str) -> float:
    return REGISTRY.get_sample_value("legacy_requests_total", {"path": path}) or 0.0


@pytest.mark.parametrize("older", ["/things", "/api/things"])
async def test_an_older_path_answers_the_same_with_a_notice(http: httpx.AsyncClient, older: str) -> None:
    before = uses(older)
    answer = await http.get(f"{older}/a?limit=3")
    assert (answer.status_code, answer.json()) == (200, {"name": "a", "limit": 3})
    assert answer.headers["deprecation"] == "@1762041600"
    assert answer.headers["sunset"] == "Wed, 30 Jun 2027 00:00:00 GMT"
    assert answer.headers["link"] == '</api/v1/things/a>; rel="successor-version"'
    assert uses(older) == before + 1


async def test_the_path_itself_is_an_older_one_too(http: httpx.AsyncClient) -> None:
    answer = await http.post("/things", json={"size": 2})
    assert (answer.status_code, answer.json()) == (201, {"size": 2})
    assert answer.headers["link"] == '</api/v1/things>; rel="successor-version"'


async def test_errors_carry_the_notice_too(http: httpx.AsyncClient) -> None:
    for answer in (await http.post("/things", json={}), await http.delete("/things/a")):
        assert answer.status_code in {400, 405}
        assert "deprecation" in answer.headers


async def test_the_successor_and_its_like_carry_no_notice(http: httpx.AsyncClient) -> None:
    for path in (f"{SUCCESSOR}/a", "/thingsome", "/health"):
        assert "deprecation" not in (await http.get(path)).headers


@pytest.mark.parametrize(
    ("path", "raw_path", "successor"),
    [
        ("/things/a >\n\u00fc", "/things/a%20%3E%0A%C3%BC", "/api/v1/things/a%20%3E%0A%C3%BC"),
        ("/things/a", "/%74hings/a", "/api/v1/things/a"),
        ('/things/a>; rel="next', '/things/a>; rel="next', "/api/v1/things/a%3E%3B%20rel%3D%22next"),
    ],
)
async def test_the_link_is_one_however_the_path_was_escaped(
    app: FastAPI, path: str, raw_path: str, successor: str
) -> None:
    caller = Caller(app, "GET", path, raw_path=raw_path)
    await caller.done
    headers = dict(caller.sent[0]["headers"])
    assert (caller.status, headers[b"link"].decode()) == (200, f'<{successor}>; rel="successor-version"')


async def test_a_use_is_logged_with_its_successor(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    await http.get("/things/a")
    record = next(r for r in caplog.records if r.message == "deprecated path used")
    assert (vars(record)["path"], vars(record)["successor"]) == ("/things", SUCCESSOR)


async def test_a_setting_removes_the_older_paths() -> None:
    async with client(frame(legacy_routes=False)) as http:
        answer = await http.get("/things/a")
        assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})
        assert (await http.get(f"{SUCCESSOR}/a")).status_code == 200


async def test_a_setting_moves_the_day_of_the_sunset() -> None:
    async with client(frame(legacy_sunset="2030-01-02")) as http:
        assert (await http.get("/things/a")).headers["sunset"] == "Wed, 02 Jan 2030 00:00:00 GMT"


async def test_metrics_count_an_older_path_under_its_successors_route(http: httpx.AsyncClient) -> None:
    labels = {"method": "GET", "route": "/api/v1/things/{name}", "status": "200"}
    before = REGISTRY.get_sample_value("http_requests_total", labels) or 0.0
    await http.get("/things/a")
    assert REGISTRY.get_sample_value("http_requests_total", labels) == before + 1
