import json
import os
from contextlib import closing
from http.client import HTTPConnection

import httpx
import pytest

from tests.waiting import wait_for

from .conftest import Gateway

EVENTS = "/api/v1/ingestion/jobs/7/events"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("GET", "/internal/reindex"),
        ("GET", "/metrics"),
        ("GET", "/searching"),
        ("DELETE", "/search"),  # a method that the route has not
        ("GET", "/ingest"),
    ],
)
def test_what_is_not_in_the_table_has_no_route_with_or_without_a_token(
    gateway: Gateway, method: str, path: str
) -> None:
    for consumer in ("app", None):
        answer = gateway.client(consumer).request(method, path)
        assert answer.status_code == 404
        assert answer.json()["message"] == "no Route matched with those values"


def test_dots_do_not_lead_out_of_a_route(gateway: Gateway, app: httpx.Client) -> None:
    # httpx would resolve the dots itself.
    with closing(HTTPConnection("127.0.0.1", gateway.port)) as connection:
        token = {"Authorization": app.headers["Authorization"]}
        connection.request("GET", "/api/v1/docs/../../../internal/reindex", headers=token)
        assert connection.getresponse().status == 404
        connection.close()
        connection.request("GET", "/api/v1/docs/a/../b//c", headers=token)
        assert json.load(connection.getresponse())["path"] == "/api/v1/docs/b/c"


def test_a_large_body_arrives_whole(app: httpx.Client) -> None:
    body = os.urandom(3_000_000)
    answer = app.post("/api/v1/rag/query", content=body).json()
    assert (answer["method"], answer["body_length"], answer["body_sum"]) == ("POST", len(body), sum(body))


def test_an_event_arrives_before_the_next_one_is_sent(gateway: Gateway, app: httpx.Client) -> None:
    gateway.upstreams["other"].proceed.clear()
    with app.stream("GET", EVENTS) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "data: one"
        gateway.upstreams["other"].proceed.set()
        assert [line for line in lines if line] == ["data: two"]


def test_silence_beyond_the_routes_timeout_is_504(gateway: Gateway, app: httpx.Client) -> None:
    gateway.upstreams["other"].proceed.clear()
    answer = app.get("/api/v1/rag/status?do=hang")
    gateway.upstreams["other"].proceed.set()
    assert answer.status_code == 504
    assert answer.json()["message"] == "The upstream server is timing out"
    assert 0.25 < answer.elapsed.total_seconds() < 2


def test_a_broken_answer_is_502(app: httpx.Client) -> None:
    answer = app.get("/search?do=close")
    assert answer.status_code == 502
    assert answer.json()["message"] == "An invalid response was received from the upstream server"


def test_a_service_that_is_down_is_503(app: httpx.Client) -> None:
    answer = app.get("/api/v1/collections")
    assert answer.status_code == 503
    assert answer.json()["message"] == "failure to get a peer from the ring-balancer"


def test_the_log_tells_each_request_but_no_token_and_no_question(gateway: Gateway, app: httpx.Client) -> None:
    answer = app.get("/search?q=confidential")
    log = gateway.directory / "envoy.log"

    wait_for(lambda: answer.headers["x-request-id"] in log.read_text(), "the request is in the log", 15)
    text = log.read_text()
    (line,) = (line for line in text.splitlines() if answer.headers["x-request-id"] in line)
    entry = json.loads(line)
    assert (entry["consumer"], entry["method"], entry["path"], entry["status"]) == ("app", "GET", "/search", 200)
    assert "confidential" not in text
    assert app.headers["Authorization"].removeprefix("Bearer ") not in text
    assert [line for line in text.splitlines() if not line.startswith("{")] == []  # no warning either


def test_no_secret_is_told_by_the_administration_interface(gateway: Gateway) -> None:
    dump = httpx.get(f"http://127.0.0.1:{gateway.admin_port}/config_dump").text
    keys = [json.loads(path.read_text())["keys"][0]["k"] for path in gateway.directory.glob("jwks-*.json")]
    assert "/jwks-app-" in dump
    assert len(keys) == 4
    assert not [key for key in keys if key in dump]
