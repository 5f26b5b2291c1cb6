"""Every part that is published says that it is well, and its metrics can be read."""

from collections.abc import Iterator
from functools import partial

from prometheus_client.parser import text_string_to_metric_families

from conformance.check import Check, NonconformingError, expect
from conformance.http import ask
from conformance.sample import Sample
from conformance.stack import Stack
from infra.targets.local import health
from infra.targets.services import SERVICES
from infra.topology import Component

KONG_STATUS = "/status"  # of its admin API; the topology's path is that of Envoy, which stands in for it


def checks(stack: Stack, _sample: Sample) -> Iterator[Check]:
    """For each component that keeps running, and more for each service."""
    for name, component in stack.designed.items():
        if component.health.kind != "completed":
            yield Check(f"{name} is healthy", partial(_healthy, stack, component))
    for service in SERVICES:
        yield Check(f"{service} is ready, with all that it depends on", partial(_ready, stack, service))
        yield Check(f"{service} has metrics", partial(_metrics, stack, service))


def _healthy(stack: Stack, component: Component) -> None:
    problem = problem_of(stack, component)
    expect(problem is None, str(problem))


def problem_of(stack: Stack, component: Component) -> str | None:
    """None where the component's own check passes; raises NotApplicableError where its port is not published."""
    check = component.health
    stack.url(component.name, check.port)
    path = KONG_STATUS if (component.name, stack.outputs["target"]) == ("kong", "docker") else check.path
    return health.problem(check.kind, stack.ports[f"{component.name}/{check.port}"], path)


def _ready(stack: Stack, service: str) -> None:
    answer = ask(stack.url(service), "GET", "/ready")
    expect(answer.status == 200, f"{answer}; expected 200")
    report = answer.json()
    expect(report["service"] == service, f"{answer}; expected to hear from {service}")
    away = {name: one["error"] for name, one in report["dependencies"].items() if not one["ok"]}
    expect(not away, f"{service} does not reach {away}")


def _metrics(stack: Stack, service: str) -> None:
    answer = ask(stack.url(service), "GET", "/metrics")
    expect(answer.status == 200, f"{answer}; expected 200")
    expect(answer.header("Content-Type").startswith("text/plain"), f"{answer}; expected text")
    try:
        families = list(text_string_to_metric_families(answer.body.decode()))
    except ValueError as error:
        raise NonconformingError(f"the metrics of {service} cannot be read: {error}") from None
    expect(len(families) > 5, f"{service} has {len(families)} metrics")
