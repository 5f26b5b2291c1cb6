"""What the gateway lets through, for the whole stack: the curl lines that `make up` prints, and their refusals."""

import http.client
import re
import subprocess
import time
from contextlib import closing

import httpx
import jwt
import pytest

from tests.e2e.conftest import GATEWAY_LIMIT, Live, eventually

SEARCH = "/api/v1/rag/search?q=what+is+an+edge&limit=3"


def test_up_ends_with_an_answer_and_curl_lines_that_work_as_printed(live: Live) -> None:
    export, *lines = re.findall(r"^(?:export TOKEN|curl) .*$|^export TOKEN=.*$", live.up, flags=re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        answer = subprocess.run(
            ["sh", "-c", f"{export}\n{line} --silent --fail-with-body"], capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stdout
        assert re.search(r'"(results|answer)":', answer.stdout)


def test_the_same_token_serves_search_and_question(live: Live) -> None:
    assert live.client.get(SEARCH).status_code == 200
    asked = live.client.post("/api/v1/rag/query", json={"question": "How many vector nodes are there?"})
    assert asked.status_code == 200
    assert asked.json()["citations"]


def _signed(live: Live, **changes: object) -> str:
    claims = {"sub": "app", "exp": int(time.time()) + 60, **changes}
    return jwt.encode(claims, live.secrets["jwtSecret-app"], algorithm="HS256")


@pytest.mark.parametrize("how", ["none", "garbage", "wrong signature", "expired", "no expiry", "another's secret"])
def test_a_request_without_a_right_token_is_refused(live: Live, how: str) -> None:
    token = {
        "none": None,
        "garbage": "x.y.z",
        "wrong signature": jwt.encode({"sub": "app", "exp": 2**33}, "0" * 43, algorithm="HS256"),
        "expired": _signed(live, exp=int(time.time()) - 10),
        "no expiry": jwt.encode({"sub": "app"}, live.secrets["jwtSecret-app"], algorithm="HS256"),
        "another's secret": _signed(live, sub="other"),
    }[how]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.get(f"{live.client.base_url}{SEARCH}", headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (401, "Unauthorized")


@pytest.mark.parametrize("path", ["/nothing", "/internal/status", "/metrics", "/api/v2/rag/search"])
def test_what_is_no_route_is_not_found(live: Live, path: str) -> None:
    answer = live.client.get(path)
    assert answer.status_code == 404
    assert answer.json()["message"] == "no Route matched with those values"


def test_a_wrong_method_is_refused(live: Live) -> None:
    assert live.client.delete("/api/v1/rag/query").status_code in {404, 405}


def test_beyond_its_limit_a_consumer_is_told_when_to_come_back_and_others_are_not_held_up(live: Live) -> None:
    headers = {"Authorization": f"Bearer {live.token('burst')}"}
    with closing(http.client.HTTPConnection("127.0.0.1", live.ports["kong/http"])) as connection:
        for _ in range(2 * GATEWAY_LIMIT):  # the bucket refills while it runs; bounded all the same
            connection.request("GET", "/api/v1/rag/search", headers=headers)  # without a question: refused at once
            refused = connection.getresponse()
            refused.read()
            if refused.status != 400:
                break
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert live.client.get(SEARCH).status_code == 200


@pytest.mark.parametrize(("origin", "allowed"), [("http://localhost:3103", True), ("http://evil.example", False)])
def test_a_preflight_passes_from_the_console_only(live: Live, origin: str, allowed: bool) -> None:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = httpx.options(f"{live.client.base_url}/api/v1/rag/query", headers=headers)
    assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed
    if allowed:
        assert answer.status_code in {200, 204}


@pytest.mark.parametrize(
    ("older", "successor"), [("/search?q=edge", "/api/v1/rag/search"), ("/collections", "/api/v1/collections")]
)
def test_an_older_path_answers_the_same_and_names_its_successor(live: Live, older: str, successor: str) -> None:
    answer = live.client.get(older)
    assert answer.status_code == 200
    assert answer.headers["Deprecation"]
    assert answer.headers["Sunset"]
    assert f"<{successor}" in answer.headers["Link"]
    assert 'rel="successor-version"' in answer.headers["Link"]


def test_one_request_id_goes_through_every_hop(live: Live) -> None:
    answer = live.client.get("/api/rag/search", params={"q": "edge"}, headers={"X-Request-ID": "trace-me-4711"})
    assert answer.headers["X-Request-ID"] == "trace-me-4711"
    logs = [live.stack.paths.log(component) for component in ("kong", "rag-service", "query")]
    eventually(lambda: all("trace-me-4711" in log.read_text() for log in logs), 5, "the id is in every log")
