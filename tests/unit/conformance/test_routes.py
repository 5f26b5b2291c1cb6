import re

import pytest

from conformance.checks import routes
from conformance.checks.routes import concrete, methods_of
from infra.gateway.routes import ROUTES, pattern
from tests.unit.conformance.conftest import Answer, Asked, Lab, Said, gateway_404

UNKNOWN = {"error": "Not Found", "detail": "there is no such thing"}


def routed(asked: Asked) -> bool:
    return asked.method in methods_of(asked.route)


def right(asked: Asked) -> Said:
    if not any(re.fullmatch(pattern(path), asked.route) for r in ROUTES for path in (*r.paths, *r.legacy)):
        return gateway_404(asked)
    if "Authorization" not in asked.headers:
        return Said(401, {"message": "Unauthorized"})
    return Said(404, UNKNOWN) if routed(asked) else gateway_404(asked)


def instead(path: str, said: Said, *, methods: str = "GET") -> Answer:
    """The right gateway, but for one path."""
    return lambda asked: said if asked.route == path and asked.method in methods else right(asked)


def test_a_gateway_that_does_as_the_table_says_conforms(lab: Lab) -> None:
    assert lab.failed(routes, right) == {}


@pytest.mark.parametrize(
    ("defect", "noticed"),
    [
        (instead("/api/v1/rag/search", gateway_404(Asked("", "", {}))), "search is answered by query"),
        (instead("/api/v1/rag/status", Said(503, UNKNOWN)), "rag-status is answered by rag-service"),
        (instead("/ingest", Said(404, {"error": "Not Found"}), methods="POST"), "ingest is answered by ingestion"),
        (instead("/api/v1/docs", Said(400, b"<html>")), "docs is answered by rag-service"),
        (instead("/api/v1/rag/query", Said(200, {}), methods="DELETE"), "question has no other methods"),
        (instead("/api/v2/rag/search", Said(200, {})), "what is no route is not found"),
    ],
)
def test_a_wrong_answer_is_noticed_by_its_check(lab: Lab, defect: Answer, noticed: str) -> None:
    (result,) = lab.results(routes, lab.stack(defect), only=f"routes: {noticed}")
    assert result.verdict == "FAILED"


def test_a_route_that_asks_for_no_token_is_noticed(lab: Lab) -> None:
    open_to_all: Answer = lambda asked: Said(200, {}) if asked.route == "/api/v1/ingestion/jobs" else right(asked)  # noqa: E731
    results = lab.results(routes, lab.stack(open_to_all), only="needs a token")
    assert [one.name for one in results if one.verdict == "FAILED"] == ["jobs needs a token"]


def test_without_older_paths_only_the_new_ones_are_asked(lab: Lab) -> None:
    asked: list[str] = []

    def answer(one: Asked) -> Said:
        asked.append(one.route)
        return right(one)

    assert lab.failed(routes, answer, environment={"LEGACY_ROUTES": "false"}) == {}
    assert "/ingest" not in asked
    assert "/search" not in asked


def test_a_path_names_nothing_that_exists_and_fits_its_template() -> None:
    for route in ROUTES:
        for template in (*route.paths, *route.legacy):
            assert re.fullmatch(pattern(template), concrete(template))


def test_the_methods_of_a_path_are_those_of_all_its_routes() -> None:
    assert methods_of("/api/v1/ingestion/jobs") == {"GET", "POST"}
    assert methods_of("/nothing") == set()
