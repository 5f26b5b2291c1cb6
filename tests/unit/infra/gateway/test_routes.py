import itertools
import re

import pytest

from infra.gateway.kong import GATEWAY
from infra.gateway.routes import ROUTES, pattern
from infra.topology import topology


@pytest.mark.parametrize(
    ("template", "expression"),
    [
        ("/search", "/search"),
        ("/api/v1/ingestion/jobs/{id}", "/api/v1/ingestion/jobs/[^/]+"),
        ("/api/v1/ingestion/jobs/{id}/events", "/api/v1/ingestion/jobs/[^/]+/events"),
        ("/collections/{path:path}", "/collections/.+"),
        ("/a.b/{x}", r"/a\.b/[^/]+"),
    ],
)
def test_a_template_becomes_the_expression_that_fits_it(template: str, expression: str) -> None:
    assert pattern(template) == expression


def answering(method: str, path: str) -> list[str]:
    return [
        route.name
        for route in ROUTES
        for template in (*route.paths, *route.legacy)
        if method in route.methods and re.fullmatch(pattern(template), path)
    ]


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/api/v1/rag/search", "search"),
        ("GET", "/search", "search"),
        ("POST", "/api/v1/rag/query", "question"),
        ("GET", "/api/v1/docs/guides/install.md", "docs"),
        ("GET", "/api/docs", "docs"),
        ("PATCH", "/collections/handbook", "collections"),
        ("GET", "/api/v1/ingestion/jobs/7/events", "job-events"),
        ("POST", "/ingest", "ingest"),
    ],
)
def test_a_public_path_has_its_route(method: str, path: str, route: str) -> None:
    assert answering(method, path) == [route]


@pytest.mark.parametrize(
    "path",
    ["/internal/ingest", "/metrics", "/health", "/ready", "/searching", "/api/v1/rag", "/collections/", "/docs"],
)
def test_what_is_not_public_has_no_route(path: str) -> None:
    methods = {method for route in ROUTES for method in route.methods}
    assert [answering(method, path) for method in methods] == [[]] * len(methods)


def test_no_request_fits_two_routes() -> None:
    templates = [t for route in ROUTES for t in (*route.paths, *route.legacy)]
    values = ("x", "search", "events", "x/y", "x/events")
    paths = {re.sub(r"\{\w+(:path)?\}", v, t) for t, v in itertools.product(templates, values)}
    methods = {method for route in ROUTES for method in route.methods}
    assert not [
        (method, path) for method, path in itertools.product(methods, paths) if len(answering(method, path)) > 1
    ]


def test_the_gateway_has_an_edge_to_every_service_of_the_table() -> None:
    reachable = {edge.dependency for edge in topology().edges if edge.consumer == GATEWAY}
    assert {route.service for route in ROUTES} == reachable


def test_only_generation_and_progress_may_be_silent_for_long() -> None:
    assert {r.name for r in ROUTES if r.timeout_s > 30} == {"question", "rag-question", "job-events"}
