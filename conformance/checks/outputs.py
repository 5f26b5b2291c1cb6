"""The outputs agree with each other, and no secret shows where it must not."""

import json
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

from conformance.check import Check, NotApplicableError, expect
from conformance.sample import Sample
from conformance.stack import Stack
from infra.gateway.tokens import SHORTEST_SECRET, secret_name
from infra.targets.services import SERVICES
from infra.workspace import ask_pulumi

SHARED = ("databasePassword", "interServiceSecret")


def checks(stack: Stack, _sample: Sample) -> Iterator[Check]:
    """What has to fit together."""
    for name, act in {
        "the gateway's address has the port of kong": _gateway,
        "every port belongs to a component of the manifest": _ports,
        "every published port is among the outputs": _published,
        "target and manifest agree": _target,
        "the components of the design are there": _components,
        "every consumer has a secret, and every secret is long and of its own": _secrets,
        "no secret is in the outputs that anybody may see": _hidden,
        "no secret shows without --show-secrets": _masked,
    }.items():
        yield Check(name, partial(act, stack))


def _gateway(stack: Stack) -> None:
    port = urlsplit(stack.gateway).port
    expect(
        port == stack.ports.get("kong/http"), f"gateway is {stack.gateway}, kong/http {stack.ports.get('kong/http')}"
    )


def _ports(stack: Stack) -> None:
    for name, port in stack.ports.items():
        deployed = stack.manifest.component(name.partition("/")[0])
        known = {published.host for published in deployed.ports} if deployed else set()
        expect(port in known, f"{name} is {port}; the manifest has {sorted(known)} for it")


def _published(stack: Stack) -> None:
    known = set(stack.ports.values())
    for component in stack.manifest.components:
        for port in component.ports:
            expect(port.host in known, f"{component.component} publishes {port.host}, which is in no output")


def _target(stack: Stack) -> None:
    target, manifest = stack.outputs["target"], stack.manifest
    expect(target == manifest.target, f"target is {target}, that of the manifest {manifest.target}")
    if stack.name:
        expect(manifest.stack == stack.name, f"the manifest is of stack {manifest.stack}")


def _components(stack: Stack) -> None:
    wanted = {"kong", "ollama", "qdrant-0", "redis", "timescaledb", "models", "migrations", *SERVICES}
    missing = wanted - {one.component for one in stack.manifest.components}
    expect(not missing, f"the manifest lacks {', '.join(sorted(missing))}")


def _secrets(stack: Stack) -> None:
    names = (*SHARED, *map(secret_name, stack.consumers))
    missing = [name for name in names if name not in stack.secrets]
    expect(not missing, f"there is no secret {', '.join(missing)}")
    short = [name for name in names if len(stack.secrets[name]) < SHORTEST_SECRET]
    expect(not short, f"shorter than {SHORTEST_SECRET} bytes: {', '.join(short)}")
    expect(len(set(stack.secrets.values())) == len(stack.secrets), "two secrets have the same value")


def _hidden(stack: Stack) -> None:
    shown = json.dumps({key: value for key, value in stack.outputs.items() if key != "secrets"})
    _expect_none_in(shown, stack, "the outputs beside `secrets`")


def _masked(stack: Stack) -> None:
    if not stack.name:
        raise NotApplicableError("the outputs came from a file; give --stack to have Pulumi asked")
    _expect_none_in(ask_pulumi("stack", "output", "--json", "-s", stack.name), stack, "`pulumi stack output`")


def _expect_none_in(text: str, stack: Stack, where: str) -> None:
    shown = [name for name, value in stack.secrets.items() if value in text]
    expect(not shown, f"{where} shows {', '.join(shown)}")
