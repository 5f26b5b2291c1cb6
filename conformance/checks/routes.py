"""Every public route is answered by its service, with its methods and no other."""

import re
from collections.abc import Iterator
from functools import partial

from conformance.check import Check, expect
from conformance.http import Answer, ask
from conformance.sample import Sample
from conformance.stack import Stack
from infra.gateway.routes import ROUTES, Route, pattern

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOWHERE = "/api/v1/conformance/nothing"
UNKNOWN = {"{id}": "00000000-0000-4000-8000-000000000000", "{path:path}": "conformance-nothing"}
"""What stands for a path's variables: nothing has that name, so that no request changes anything."""


def checks(stack: Stack, _sample: Sample) -> Iterator[Check]:
    """For each route its methods, all others, and that it needs a token."""
    for route in ROUTES:
        if paths := public(stack, route):
            yield Check(f"{route.name} is answered by {route.service}", partial(_answers, stack, route, paths))
            yield Check(f"{route.name} has no other methods", partial(_refuses, stack, paths))
            yield Check(f"{route.name} needs a token", partial(_needs_a_token, stack, route, paths))
    yield Check("what is no route is not found", partial(_unrouted, stack))


def public(stack: Stack, route: Route) -> tuple[str, ...]:
    """The route's paths with something in the place of their variables."""
    templates = (*route.paths, *(route.legacy if stack.legacy_routes else ()))
    return tuple(concrete(path) for path in templates)


def concrete(template: str) -> str:
    """A path that fits the template and names nothing that exists."""
    return re.sub(r"\{[^}]+\}", lambda variable: UNKNOWN[variable.group()], template)


def methods_of(path: str) -> set[str]:
    """The methods that the route table gives a path."""
    return {
        method
        for route in ROUTES
        if any(re.fullmatch(pattern(template), path) for template in (*route.paths, *route.legacy))
        for method in route.methods
    }


def _answers(stack: Stack, route: Route, paths: tuple[str, ...]) -> None:
    for path in paths:
        for method in route.methods:
            by_a_service(stack.ask(method, path, None if method in {"GET", "DELETE"} else {}))


def by_a_service(answer: Answer) -> None:
    """Raise NonconformingError unless a service has said this: it did what was asked, or says what it misses."""
    if answer.status < 300:
        return
    expect(answer.status in {400, 404, 405}, f"{answer}; expected an answer of the service")
    said = answer.json()
    expect("error" in said, f"{answer}; expected an answer of the service, not of the gateway")
    # A path that the service does not know either has no detail.
    expect(answer.status == 405 or said.get("detail"), f"{answer}; expected a detail that says what is missing")


def _refuses(stack: Stack, paths: tuple[str, ...]) -> None:
    for path in paths:
        for method in METHODS:
            if method not in methods_of(path):
                refused = stack.ask(method, path)
                _expect_unrouted(refused)


def _needs_a_token(stack: Stack, route: Route, paths: tuple[str, ...]) -> None:
    for path in paths:
        refused = ask(stack.gateway, route.methods[0], path)
        expect(refused.status == 401, f"{refused}; expected 401 without a token")


def _unrouted(stack: Stack) -> None:
    for path in (NOWHERE, "/", "/api/v2/rag/search"):
        _expect_unrouted(stack.ask("GET", path))


def _expect_unrouted(answer: Answer) -> None:
    expect(answer.status == 404 and "message" in answer.json(), f"{answer}; expected the gateway's own 404")
