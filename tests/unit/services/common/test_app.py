import httpx
import pytest
from fastapi import FastAPI

from services.common.app import MAX_BODY_BYTES, VERSION, create_app
from services.common.breakers import Breakers
from services.common.health import Dependency
from services.common.settings import ServiceSettings
from tests.servers import client


def app_with(*dependencies: Dependency) -> FastAPI:
    settings = ServiceSettings.model_validate({"port": 1, "inter_service_secret": "x", "release": "1.2.0-0a"})
    return create_app("test", settings, breakers=Breakers("test", settings), routers=[], dependencies=dependencies)


async def answers() -> None:
    pass


async def fails() -> None:
    raise ConnectionError("refused")


async def test_health_says_that_the_process_serves_whatever_its_dependencies_do() -> None:
    async with client(app_with(Dependency("store", fails))) as http:
        answer = await http.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "service": "test", "version": VERSION})


async def test_ready_names_each_dependency_and_is_503_without_a_required_one() -> None:
    async with client(app_with(Dependency("store", answers), Dependency("model", fails))) as http:
        answer = await http.get("/ready")
    report = answer.json()
    assert (answer.status_code, report["service"], report["ready"]) == (503, "test", False)
    assert answer.headers["retry-after"] == "2"
    store, model = report["dependencies"]["store"], report["dependencies"]["model"]
    assert (store["ok"], store["required"], store["error"]) == (True, True, None)
    assert (model["ok"], model["last_success"], model["error"]) == (False, None, "ConnectionError: refused")


async def test_ready_is_200_while_only_something_optional_is_missing() -> None:
    async with client(app_with(Dependency("store", answers), Dependency("cache", fails, required=False))) as http:
        answer = await http.get("/ready")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert answer.json()["dependencies"]["cache"]["ok"] is False


async def test_metrics_are_prometheus_text(http: httpx.AsyncClient) -> None:
    await http.get("/api/v1/things/a")
    answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'http_requests_total{method="GET",route="/api/v1/things/{name}",status="200"}' in answer.text
    assert 'http_request_duration_seconds_bucket{le="0.01",method="GET",route="/api/v1/things/{name}"}' in answer.text


async def test_answers_and_metrics_name_the_release() -> None:
    async with client(app_with()) as http:
        answer = await http.get("/metrics")
    assert answer.headers["x-release"] == "1.2.0-0a"
    assert 'breakwater_release_info{release="1.2.0-0a"} 1.0' in answer.text


async def test_the_schema_is_served_and_declares_the_statuses_that_are_really_used(http: httpx.AsyncClient) -> None:
    schema = (await http.get("/openapi.json")).json()
    assert (schema["info"]["title"], schema["info"]["version"]) == ("Breakwater test", VERSION)
    declared = {path: set(o["responses"]) for path, ops in schema["paths"].items() for o in ops.values()}
    assert declared["/api/v1/things"] >= {"400", "503"}
    assert not any("422" in statuses for statuses in declared.values())
    assert {"/health", "/ready", "/metrics", "/internal/secret"} < set(schema["paths"])


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_there_is_no_page_that_loads_scripts_from_elsewhere(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


async def test_an_unknown_path_is_404(http: httpx.AsyncClient) -> None:
    answer = await http.get("/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


async def test_another_method_is_405_and_names_those_that_are_allowed(http: httpx.AsyncClient) -> None:
    answer = await http.delete("/api/v1/things/a")
    assert (answer.status_code, answer.json()) == (405, {"error": "Method Not Allowed"})
    assert answer.headers["allow"] == "GET"


async def test_a_slash_too_many_is_404_and_no_redirect_to_an_address_of_the_inside(http: httpx.AsyncClient) -> None:
    answer = await http.get("/health/")
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


def test_a_mebibyte_is_enough_for_every_request() -> None:
    assert MAX_BODY_BYTES == 1024 * 1024
