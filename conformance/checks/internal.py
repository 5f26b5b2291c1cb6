"""What is not for the public: closed at the gateway, and at a service for whoever lacks the services' secret."""

from collections.abc import Iterator
from functools import partial

from conformance.check import Check, expect
from conformance.http import ask
from conformance.sample import Sample
from conformance.stack import Stack
from infra.targets.services import SERVICES
from services.common.service_secret import HEADER

TOKEN_PATH = "/internal/service-token"  # noqa: S105 - a path
INSIDE = (TOKEN_PATH, "/internal/breakers", "/internal/jobs", "/internal/status", "/metrics", "/health", "/ready")


def checks(stack: Stack, _sample: Sample) -> Iterator[Check]:
    """For each path at the gateway, and for each service."""
    for path in INSIDE:
        yield Check(f"{path} is not reachable through the gateway", partial(_closed, stack, path))
    for service in SERVICES:
        yield Check(f"{service} asks for the services' secret", partial(_guarded, stack, service))
        yield Check(f"{service} lets the services' secret in", partial(_opened, stack, service))


def _closed(stack: Stack, path: str) -> None:
    answer = stack.ask("GET", path, headers={HEADER: stack.secrets["interServiceSecret"]})
    expect(answer.status == 404 and "message" in answer.json(), f"{answer}; expected the gateway's own 404")


def _guarded(stack: Stack, service: str) -> None:
    url = stack.url(service)
    for headers in ({}, {HEADER: "wrong"}, {HEADER: ""}, {"Authorization": f"Bearer {stack.token()}"}):
        for path in (TOKEN_PATH, "/internal/nothing", "//internal/service-token", "/internal"):
            answer = ask(url, "GET", path, headers=headers)
            if path.startswith("//"):  # another path, which there is not; it must not lead to the guarded one
                expect(answer.status in {403, 404}, f"{answer}; expected 403 or 404")
            else:
                expect(answer.status == 403, f"{answer}; expected 403 with headers {sorted(headers)}")
                expect(answer.json() == {"error": "Forbidden"}, f'{answer}; expected {{"error": "Forbidden"}}')


def _opened(stack: Stack, service: str) -> None:
    answer = ask(stack.url(service), "GET", TOKEN_PATH, headers={HEADER: stack.secrets["interServiceSecret"]})
    expect(answer.status == 200 and "sends" in answer.json(), f"{answer}; expected 200 with what it sends")
