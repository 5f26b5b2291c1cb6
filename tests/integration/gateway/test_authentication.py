import time
from typing import Any

import httpx
import jwt
import pytest

APP_SECRET = "app-secret-".ljust(40, "x")
CONSOLE_SECRET = "console-secret-".ljust(40, "x")
IN_AN_HOUR = int(time.time()) + 3600
AN_HOUR_AGO = int(time.time()) - 3600


def bearer(claims: dict[str, Any], secret: str, algorithm: str = "HS256") -> str:
    return f"Bearer {jwt.encode(claims, secret, algorithm=algorithm)}"


GOOD = bearer({"sub": "app", "exp": IN_AN_HOUR}, APP_SECRET)


def test_a_consumers_token_passes_and_the_service_learns_whose_it_is(anonymous: httpx.Client) -> None:
    answer = anonymous.get("/api/v1/rag/search?q=x", headers={"Authorization": GOOD})
    assert answer.status_code == 200
    assert answer.json()["path"] == "/api/v1/rag/search?q=x"
    assert answer.json()["headers"]["x-consumer-username"] == "app"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no token"),
        pytest.param({"Authorization": "Bearer nonsense"}, id="not a token"),
        pytest.param({"Authorization": GOOD.removeprefix("Bearer ")}, id="not a bearer token"),
        pytest.param({"Cookie": GOOD.replace("Bearer ", "jwt=")}, id="in a cookie"),
        pytest.param({"Authorization": bearer({"sub": "app", "exp": IN_AN_HOUR}, "z" * 40)}, id="wrong signature"),
        pytest.param(
            {"Authorization": bearer({"sub": "app", "exp": IN_AN_HOUR}, CONSOLE_SECRET)},
            id="another consumer's secret",
        ),
        pytest.param(
            {"Authorization": bearer({"sub": "console", "exp": IN_AN_HOUR}, APP_SECRET)},
            id="another consumer's name",
        ),
        pytest.param({"Authorization": bearer({"sub": "app", "exp": AN_HOUR_AGO}, APP_SECRET)}, id="expired"),
        pytest.param({"Authorization": bearer({"sub": "app"}, APP_SECRET)}, id="never expires"),
        pytest.param({"Authorization": bearer({"sub": "nobody", "exp": IN_AN_HOUR}, APP_SECRET)}, id="unknown subject"),
        pytest.param({"Authorization": bearer({"exp": IN_AN_HOUR}, APP_SECRET)}, id="no subject"),
        pytest.param({"Authorization": bearer({"sub": "app", "exp": IN_AN_HOUR}, "", "none")}, id="not signed"),
        pytest.param({"X-Consumer-Username": "app"}, id="only claims to be one"),
    ],
)
def test_anything_else_is_refused_as_kong_does(anonymous: httpx.Client, headers: dict[str, str]) -> None:
    answer = anonymous.get("/api/v1/rag/search", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["message"] == "Unauthorized"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_token_in_the_url_does_not_count(anonymous: httpx.Client) -> None:
    token = GOOD.removeprefix("Bearer ")
    assert anonymous.get(f"/api/v1/rag/search?jwt={token}&access_token={token}").status_code == 401


def test_no_header_of_the_gateways_own_can_be_forged_and_no_token_goes_further(app: httpx.Client) -> None:
    forged = {
        "X-Consumer-Username": "console",
        "X-Consumer-ID": "1",
        "X-Credential-Identifier": "1",
        "X-Anonymous-Consumer": "true",
        "X-Service-Token": "guess",
        "X-Envoy-Max-Retries": "9",
    }
    headers = app.get("/search", headers=forged).json()["headers"]
    assert headers["x-consumer-username"] == "app"
    left = set(headers) & {name.lower() for name in (*forged, "Authorization")}
    assert left == {"x-consumer-username"}


def test_a_request_id_is_kept_or_made_and_always_answered(app: httpx.Client) -> None:
    kept = app.get("/search", headers={"X-Request-ID": "my-id"})
    assert kept.json()["headers"]["x-request-id"] == kept.headers["x-request-id"] == "my-id"
    made = app.get("/search")
    assert made.json()["headers"]["x-request-id"] == made.headers["x-request-id"]
    assert len(made.headers["x-request-id"]) == 36


PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


def test_a_preflight_from_an_allowed_origin_passes_without_a_token(anonymous: httpx.Client) -> None:
    origin = "http://localhost:3103"
    answer = anonymous.options("/api/v1/rag/query", headers={**PREFLIGHT, "Origin": origin})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert not answer.content


def test_a_preflight_from_elsewhere_is_allowed_nothing(anonymous: httpx.Client) -> None:
    answer = anonymous.options("/api/v1/rag/query", headers={**PREFLIGHT, "Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert not answer.content  # not the service's answer


def test_a_refusal_can_be_read_by_the_page_that_asked(anonymous: httpx.Client) -> None:
    answer = anonymous.get("/search", headers={"Origin": "http://localhost:3103"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3103"


def test_options_that_is_no_preflight_needs_a_token(anonymous: httpx.Client) -> None:
    assert anonymous.options("/search").status_code == 401
