import httpx
import pytest

from services.common.service_secret import HEADER, fingerprint
from tests.servers import client
from tests.unit.services.common.conftest import frame

FORBIDDEN = (403, {"error": "Forbidden"})


@pytest.mark.parametrize("token", [None, "", "wrong", "curren", "currentt", "Current"])
async def test_without_the_right_token_internal_paths_are_forbidden(http: httpx.AsyncClient, token: str | None) -> None:
    answer = await http.get("/internal/secret", headers={} if token is None else {HEADER: token})
    assert (answer.status_code, answer.json()) == FORBIDDEN


@pytest.mark.parametrize("path", ["/internal", "/internal/", "/internal/nothing-here"])
async def test_the_guard_stands_before_what_is_not_there_as_well(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert (answer.status_code, answer.json()) == FORBIDDEN


@pytest.mark.parametrize("token", ["current", "previous"])
async def test_during_a_rotation_both_secrets_open(http: httpx.AsyncClient, token: str) -> None:
    answer = await http.get("/internal/secret", headers={HEADER: token})
    assert (answer.status_code, answer.json()) == (200, {"known": True})


async def test_after_a_rotation_the_previous_secret_opens_nothing() -> None:
    async with client(frame(inter_service_secret="current")) as http:
        answer = await http.get("/internal/secret", headers={HEADER: "previous"})
    assert (answer.status_code, answer.json()) == FORBIDDEN


async def test_other_paths_ask_for_no_token(http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/v1/things/internal")).status_code == 200
    assert (await http.get("/internals")).status_code == 404


async def test_a_service_tells_its_own_what_it_sends_and_accepts_by_fingerprint_only(http: httpx.AsyncClient) -> None:
    assert (await http.get("/internal/service-token")).status_code == 403
    answer = await http.get("/internal/service-token", headers={HEADER: "current"})
    report = answer.json()
    assert report["sends"] == fingerprint("current")
    assert set(report["accepts"]) == {fingerprint("current"), fingerprint("previous")}
    assert "current" not in answer.text
