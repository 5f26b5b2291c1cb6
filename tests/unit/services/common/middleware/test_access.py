import asyncio
import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from services.common.middleware.request_id import SYNTHETIC
from tests.servers import Caller, eventually


@pytest.fixture(autouse=True)
def _every_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="services.common.middleware.access")


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.message == "request"]


def count(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("http_requests_total", labels) or 0.0


async def test_a_request_is_one_line_without_its_query(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await http.get("/api/v1/things/a?q=what+a+user+asked")
    (line,) = lines(caplog)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/things/a", 200)
    assert (line["levelno"], line["ms"] >= 0) == (logging.INFO, True)
    assert "asked" not in str(line)


async def test_a_request_of_one_who_tries_the_service_is_counted_apart(http: httpx.AsyncClient) -> None:
    route = "/api/v1/things/{name}"
    before = [count("GET", route, 200), count("GET", "synthetic", 200)]
    await http.get("/api/v1/things/a", headers={"X-Request-ID": f"{SYNTHETIC}1"})
    await http.get("/api/v1/things/a", headers={"X-Request-ID": "another-1"})
    assert [count("GET", route, 200), count("GET", "synthetic", 200)] == [number + 1 for number in before]


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_the_questions_of_those_who_watch_are_lines_for_debugging_only(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    await http.get(path)
    assert [line["levelno"] for line in lines(caplog)] == [logging.DEBUG]
    caplog.clear()
    caplog.set_level("INFO", logger="services.common.middleware.access")
    await http.get(path)
    assert lines(caplog) == []


async def test_a_defect_is_500_without_its_details_and_logged_with_them(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await http.get("/api/v1/things/rain/errors/418", headers={"X-Request-ID": "one"})
    assert answer.status_code == 500
    assert answer.json() == {"error": "Internal Server Error", "detail": "unexpected error, see the log"}
    assert answer.headers["x-request-id"] == "one"
    (logged,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "KeyError" in (logged.exc_text or "")
    assert [line["status"] for line in lines(caplog)] == [500]


async def test_an_answer_that_breaks_off_is_cut_rather_than_ended(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Caller(app, "GET", "/api/v1/things/a/broken")
    with pytest.raises(ValueError, match="halfway"):
        await caller.done
    assert [message["type"] for message in caller.sent] == ["http.response.start"]
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == ["request failed unexpectedly"]


async def test_a_request_whose_client_has_gone_counts_as_499(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    before = count("PUT", "/api/v1/things/raw", 499)
    caller = Caller(app, "PUT", "/api/v1/things/raw", body=None)
    caller.hang_up()
    await caller.done
    assert caller.sent == []
    assert count("PUT", "/api/v1/things/raw", 499) == before + 1
    assert [line["status"] for line in lines(caplog)] == [499]


async def test_a_request_that_is_cancelled_counts_as_499(app: FastAPI) -> None:
    before = count("GET", "/api/v1/things/{name}/endless", 499)
    caller = Caller(app, "GET", "/api/v1/things/a/endless")
    await eventually(lambda: len(asyncio.all_tasks()) > 1)
    await asyncio.sleep(0)
    caller.done.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller.done
    assert count("GET", "/api/v1/things/{name}/endless", 499) == before + 1


async def test_unknown_paths_and_methods_do_not_become_series(http: httpx.AsyncClient) -> None:
    before = count("GET", "unmatched", 404), count("other", "unmatched", 404)
    for path in ("/nowhere", "/neither"):
        await http.get(path)
        await http.request("BREW", path)
    assert (count("GET", "unmatched", 404), count("other", "unmatched", 404)) == (before[0] + 2, before[1] + 2)
    assert "BREW" not in (await http.get("/metrics")).text


async def test_what_is_no_request_passes(app: FastAPI) -> None:
    started: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.shutdown" if started else "lifespan.startup"}

    async def send(message: Any) -> None:
        started.append(message["type"])

    await app({"type": "lifespan", "app": app, "state": {}}, receive, send)
    assert started == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
