"""What is asked: a stack of this machine, or a host that the user names."""

import http.client
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra import workspace
from infra.gateway.tokens import mint, secret_name
from infra.targets.local.paths import StackPaths
from loadtests.mix import OPERATIONS, Form
from loadtests.wire import rendered

CONSUMERS = ("load_1", "load_2", "load_3", "load_4")
OWN = "load"
"""The stack that is brought up for a load, unless another one is named."""

SETTINGS: Mapping[str, Any] = {
    "chaos": False,  # as in production: no proxy on the connections
    "consumers": list(CONSUMERS),
}
TOKEN = "TOKEN"  # noqa: S105 - the variable that `make up` has users set
SPARE_S = 3600  # that a token outlives the load
PATIENCE_S = 60.0


class TargetError(RuntimeError):
    """It cannot be asked; the message says why."""


@dataclass(frozen=True)
class Target:
    """Whom to ask, with what tokens; `paths` are those of a stack of this machine."""

    name: str
    url: str
    tokens: tuple[str, ...] = field(repr=False)
    paths: StackPaths | None = None


def of_stack(name: str, *, seconds: float) -> Target:
    """A stack that is up; raises WorkspaceError where it is not there. The tokens last for `seconds` and more."""
    outputs = workspace.outputs(name)
    lifetime_s = int(seconds) + SPARE_S
    tokens = tuple(
        mint(consumer, outputs["secrets"][secret_name(consumer)], lifetime_s=lifetime_s)
        for consumer in outputs["consumers"]
    )
    paths = StackPaths(Path(outputs["root"])) if "root" in outputs else None
    return Target(name, str(outputs["gateway"]), tokens, paths)


def of_host(url: str) -> Target:
    """A gateway elsewhere, asked with the token in the variable TOKEN; raises TargetError for what is no address."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise TargetError(f"{url!r} is no address such as http://127.0.0.1:8000")
    token = os.environ.get(TOKEN)
    if not token:
        raise TargetError(f"to ask {url}, set {TOKEN} to a token of its gateway, as `make up` prints it")
    return Target(parts.netloc, f"{parts.scheme}://{parts.netloc}", (token,))


def prime(target: Target, run: str) -> None:
    """Ask for one of everything, and twice for all that the cache is to know; raises TargetError where one fails.

    So a load that measures the cache finds it filled, although an answer may be kept too late for the first time, and a
    load that could only fail does not begin.
    """
    opened = _connection(target.url)
    try:
        for name, form in _first_asked():
            status, body = _ask(opened, form, target, run)
            if not 200 <= status < 300:
                said = body[:300].decode(errors="replace")
                raise TargetError(f"{name}: {form.method} {form.path} is answered with {status}: {said}")
    except OSError as error:
        raise TargetError(f"{target.url} does not answer: {error}") from error
    finally:
        opened.close()


def _first_asked() -> Iterator[tuple[str, Form]]:
    for operation in OPERATIONS:
        yield operation.name, operation.forms[0]
    for operation in OPERATIONS * 2:
        if operation.cached:
            yield from ((operation.name, form) for form in operation.forms)


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    assert parts.hostname
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=PATIENCE_S, context=context)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE_S)


def _ask(opened: http.client.HTTPConnection, form: Form, target: Target, run: str) -> tuple[int, bytes]:
    sent = rendered(form, host=urlsplit(target.url).netloc, token=target.tokens[0], run=f"{run}-first")(0)
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    opened.request(method, path, body or None, dict(each.split(": ", 1) for each in lines))
    with opened.getresponse() as answer:
        return answer.status, answer.read()
