"""Repair drift: each kind by what puts it right without losing anything. What a person must decide on is left alone."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import psycopg

from infra.commands.ask import Gateway
from infra.drift.drift import Drift
from infra.drift.inspection import Inspected, drift_of, inspected
from infra.probes import database, redis, toxiproxy
from infra.qdrant.agreement import needed
from infra.qdrant.everywhere import to_all
from infra.qdrant.steps import settled
from infra.qdrant.view import look
from infra.topology import QDRANT_NODES
from infra.workspace import WorkspaceError

Say = Callable[[str], None]
Repair = Callable[[Inspected, Sequence[Drift], Say], None]
"""Repairs drifts of one component."""

SETTLE_S = 30.0
"""How long what was repaired may take to show it: a node that recovers, a job that reads documents."""
FAILURES = (RuntimeError, psycopg.Error)


def repair_ways(name: str, say: Say) -> None:
    """Repair what stands between the components of a stack, so that a deployment finds its way; none if it is down."""
    with suppress(WorkspaceError):
        stack = inspected(name)
        _repair(stack, [drift for drift in drift_of(stack) if REPAIRS.get(drift.kind) is _proxies], say)


def repair(name: str, say: Say, *, settle_s: float = SETTLE_S) -> list[Drift]:
    """Repair what can be of a stack that was just deployed; returns what is left. Raises WorkspaceError."""
    stack = inspected(name)
    _repair(stack, drift_of(stack), say)
    deadline = time.monotonic() + settle_s
    left = drift_of(stack)
    while any(drift.by != "person" for drift in left) and time.monotonic() < deadline:
        left = drift_of(stack)  # which takes a second where there is something
    return left


def _repair(stack: Inspected, found: Iterable[Drift], say: Say) -> None:
    """One component after the other, each healthy before the next: never two vector nodes at once."""
    at_once: dict[tuple[Repair, str], list[Drift]] = defaultdict(list)
    for drift in found:
        if (how := REPAIRS.get(drift.kind)) and not drift.undeployed:
            at_once[how, drift.component].append(drift)
    order = list(dict.fromkeys(REPAIRS.values()))
    for how, component in sorted(at_once, key=lambda those: order.index(those[0])):
        try:
            how(stack, at_once[how, component], say)
        except FAILURES as error:
            say(f"{component}: not repaired: {error}")


def _proxies(stack: Inspected, _found: Sequence[Drift], say: Say) -> None:
    toxiproxy.repair(stack.url("toxiproxy"), stack.running.proxies)
    say("toxiproxy has a proxy for every edge, without faults")


def _remove(stack: Inspected, found: Sequence[Drift], say: Say) -> None:
    for drift in found:
        stack.running.remove(drift.component, drift.what)
        say(f"{drift.what or drift.component}: stopped")


def _resume(stack: Inspected, found: Sequence[Drift], say: Say) -> None:
    stack.running.resume(found[0].component)
    say(f"{found[0].component}: goes on")


def _redo(stack: Inspected, found: Sequence[Drift], say: Say) -> None:
    name = found[0].component
    if name in QDRANT_NODES and stack.running.near:  # elsewhere it is the deployment that looks
        settled(lambda: look(stack.nodes), lambda views: needed(views, name), say)
    stack.running.redo(name)
    say(f"{name}: started again as it was deployed")


def _rewrite(stack: Inspected, found: Sequence[Drift], say: Say) -> None:
    stack.running.rewrite(found[0].component)
    say(f"{found[0].component}: reads its files again")


def _redis(stack: Inspected, _found: Sequence[Drift], say: Say) -> None:
    redis.repair(stack.port("redis", "redis"), stack.running.redis_settings)
    say("redis: settings as on its command line")


def _models(stack: Inspected, _found: Sequence[Drift], _say: Say) -> None:
    stack.running.redo("models")


def _migrations(stack: Inspected, _found: Sequence[Drift], say: Say) -> None:
    stack.running.redo("migrations")
    say("migrations: ran again")


def _indexes(stack: Inspected, found: Sequence[Drift], say: Say) -> None:
    for drift in found:
        database.make_index(stack.login, drift.wanted)
        say(f"{drift.what}: made again")


def _policies(stack: Inspected, found: Sequence[Drift], say: Say) -> None:
    for drift in found:
        database.add_policy(stack.login, drift.what.removeprefix("rag."))
        say(f"{drift.what}: {drift.wanted}")


def _replicas(stack: Inspected, _found: Sequence[Drift], say: Say) -> None:
    to_all(stack.nodes, say)


def _read_again(stack: Inspected, found: Sequence[Drift], say: Say) -> None:
    gateway = Gateway({**stack.outputs})
    for drift in found:
        gateway.call("POST", "/api/v1/ingestion/jobs", {"collection": drift.what, "force": True})
        say(f"{drift.what}: its documents are being read again")


_REDONE = (
    *("missing", "stopped", "specification", "version", "source", "command", "environment", "file", "port"),
    *("limits", "health check", "network", "rights"),
)
REPAIRS: Mapping[str, Repair] = {
    **dict.fromkeys(("proxy missing", "proxy extra", "proxy disabled", "toxic", "upstream"), _proxies),
    "extra": _remove,
    "paused": _resume,
    **dict.fromkeys(_REDONE, _redo),
    **dict.fromkeys(("live file", "gateway", "consumer"), _rewrite),
    "model": _models,
    "redis setting": _redis,
    "migration": _migrations,
    "index": _indexes,
    "policy": _policies,
    **dict.fromkeys(("factors", "replica"), _replicas),
    "collection lost": _read_again,
}
"""How each kind is repaired, in the order in which it is done."""
