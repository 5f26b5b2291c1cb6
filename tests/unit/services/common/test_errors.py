import httpx
import pytest


@pytest.mark.parametrize(
    ("status", "phrase"), [(400, "Bad Request"), (404, "Not Found"), (409, "Conflict"), (503, "Service Unavailable")]
)
async def test_an_error_says_its_phrase_and_what_happened(http: httpx.AsyncClient, status: int, phrase: str) -> None:
    answer = await http.get(f"/api/v1/things/rain/errors/{status}")
    assert (answer.status_code, answer.json()) == (status, {"error": phrase, "detail": "rain is why"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers.get("retry-after") == ("2" if status == 503 else None)


@pytest.mark.parametrize(("query", "named"), [("limit=many", "limit: "), ("path=", "path: ")])
async def test_a_wrong_parameter_is_400_and_named(http: httpx.AsyncClient, query: str, named: str) -> None:
    answer = await http.get(f"/api/v1/things/a?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"] == "Bad Request"
    assert answer.json()["detail"].startswith(named)


@pytest.mark.parametrize(
    ("body", "named"),
    [(b'{"size": "x"}', "size: "), (b"{}", "size: "), (b"{", "body: "), (b"", "body: "), (b"[]", "body: ")],
)
async def test_a_wrong_body_is_400_and_the_field_is_named(http: httpx.AsyncClient, body: bytes, named: str) -> None:
    answer = await http.post("/api/v1/things", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(named)


async def test_a_body_that_is_no_text_is_400(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/things", content=b"\xff\xfe{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")


async def test_every_fault_of_a_request_is_listed(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/things", json={"size": None})
    assert answer.json()["detail"] == "size: Input should be a valid integer"
