"""The older paths answer what their successors answer, and say that they will go; or they are switched off."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.check import Check, NotApplicableError, expect
from conformance.checks.routes import concrete
from conformance.http import Answer
from conformance.sample import Sample
from conformance.stack import Stack
from infra.gateway.routes import ROUTES

SUCCESSORS = {
    "/search": "/api/v1/rag/search",
    "/query": "/api/v1/rag/query",
    "/collections": "/api/v1/collections",
    "/api/docs": "/api/v1/docs",
    "/api/rag": "/api/v1/rag",
    "/ingest": "/api/v1/ingestion/jobs",
}
"""As docs/api-versions.md promises them; what lies below goes with them."""

NEVER_EQUAL = {"took_ms", "age_s", "last_success", "request_id"}


def checks(stack: Stack, _sample: Sample) -> Iterator[Check]:
    """For each older path."""
    for route in ROUTES:
        for path in map(concrete, route.legacy):
            yield Check(
                f"{route.methods[0]} {path} names its successor", partial(_names, stack, route.methods[0], path)
            )
            yield Check(
                f"{route.methods[0]} {path} answers the same as its successor",
                partial(_same, stack, route.methods[0], path),
            )
    yield Check("older paths are gone where they are switched off", partial(_gone, stack))


def successor(path: str) -> str:
    """What took the place of an older path."""
    older = next(older for older in SUCCESSORS if path == older or path.startswith(f"{older}/"))
    return SUCCESSORS[older] + path.removeprefix(older)


def _asked(stack: Stack, method: str, path: str) -> Answer:
    return stack.ask(method, path, {} if method == "POST" else None)


def _names(stack: Stack, method: str, path: str) -> None:
    _if_answered(stack)
    answer = _asked(stack, method, path)
    answer.header("Deprecation"), answer.header("Sunset")
    link = f'<{successor(path)}>; rel="successor-version"'
    expect(answer.header("Link") == link, f"{answer}: Link is {answer.header('Link')}; expected {link}")


def _same(stack: Stack, method: str, path: str) -> None:
    _if_answered(stack)
    older, newer = _asked(stack, method, path), _asked(stack, method, successor(path))
    expect(older.status == newer.status, f"{older}, but {newer}")
    expect(lasting(older.json()) == lasting(newer.json()), f"{older}, but {newer}")
    expect("Deprecation" not in newer.headers, f"{newer}: it is deprecated itself")


def lasting(value: Any) -> Any:
    """A JSON value without what differs between any two answers."""
    if isinstance(value, dict):
        return {key: lasting(field) for key, field in value.items() if key not in NEVER_EQUAL}
    return [lasting(one) for one in value] if isinstance(value, list) else value


def _if_answered(stack: Stack) -> None:
    if not stack.legacy_routes:
        raise NotApplicableError("the stack's setting legacyRoutes is false")


def _gone(stack: Stack) -> None:
    if stack.legacy_routes:
        raise NotApplicableError("the stack's setting legacyRoutes is true")
    for path in SUCCESSORS:
        answer = stack.ask("GET", path)
        expect(answer.status == 404, f"{answer}; expected 404")
