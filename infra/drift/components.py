"""Compare the components that there are with those that are wanted."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.drift.drift import ABSENT, Drift, Found
from infra.manifest import Change, Deployed, Manifest, Published, changes
from infra.topology import QDRANT_NODES, Limits

FIELD_KINDS: Mapping[str, str] = {
    "runs": "version",
    "command": "command",
    "environment": "environment",
    "files": "file",
    "live_files": "live file",
    "source": "source",
    "limits": "limits",
    "health": "health check",
    "ports": "port",
    "networks": "network",
    "volumes": "volume",
    "user": "rights",
    "read_only": "rights",
    "privileged": "rights",
    "capabilities": "rights",
    "restarts": "rights",
}
"""The kind of a difference in each field of a component. The fields that are not here say how it is deployed."""

NOT_RUNNING = frozenset({"missing", "stopped", "crashing", "paused"})
OF_THE_CLUSTER = frozenset({"replica", "cluster"})


def drifts(wanted: Manifest, found: Found, deployed: Manifest | None = None) -> list[Drift]:
    """Where the components differ from what is wanted of them, and the conditions that they are in.

    Args:
        deployed: what was wanted at the last deployment, where that is known.
    """
    there = {one.component: one for one in found.components}
    told: list[Drift] = list(found.conditions)
    for component in wanted.components:
        last = deployed.component(component.component) if deployed else None
        if component.component not in there:
            undeployed = deployed is not None and last is None
            told.append(Drift(component.component, "missing", "", component.runs, ABSENT, undeployed=undeployed))
        for change in changes(component, there.get(component.component, component)):
            told += _of_change(change, last)
    for name in there.keys() - {component.component for component in wanted.components}:
        undeployed = deployed is not None and deployed.component(name) is not None
        told.append(Drift(name, "extra", "", ABSENT, there[name].runs, undeployed=undeployed))
    return told


def without_consequences(told: Iterable[Drift]) -> list[Drift]:
    """Each once, without what only follows from a component's not running."""
    by_place = {drift.place: drift for drift in told}
    down = {drift.component for drift in by_place.values() if drift.kind in NOT_RUNNING}
    node_down = not down.isdisjoint(QDRANT_NODES)

    def follows(drift: Drift) -> bool:
        return (drift.kind == "silent" and drift.component in down) or (node_down and drift.kind in OF_THE_CLUSTER)

    return [drift for drift in by_place.values() if not follows(drift)]


def lasting(first: Iterable[Drift], second: Iterable[Drift]) -> list[Drift]:
    """Those of the second look that were there in the first: what passes under load is no drift."""
    seen = {drift.place for drift in first}
    return [drift for drift in second if drift.place in seen]


def _of_change(change: Change, deployed: Deployed | None) -> Iterator[Drift]:
    kind = FIELD_KINDS[change.field]
    last = getattr(deployed, change.field, None)
    if isinstance(change.before, Mapping):
        for key in sorted(change.before.keys() | change.after.keys()):
            wanted, found = change.before.get(key), change.after.get(key)
            if wanted != found:
                undeployed = deployed is not None and (last or {}).get(key) == found
                yield Drift(change.component, kind, key, _said(wanted), _said(found), undeployed=undeployed)
        return
    undeployed = deployed is not None and last == change.after
    what = change.field.replace("_", " ") if kind == "rights" else ""
    wanted, found = _apart(change.before, change.after)
    yield Drift(change.component, kind, what, _said(wanted), _said(found), undeployed=undeployed)


def _apart(one: Any, other: Any) -> tuple[Any, Any]:
    """Of two long commands or lists only where they differ."""
    if not (isinstance(one, tuple) and isinstance(other, tuple)):
        return one, other
    same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest_of_one, rest_of_other = one[same:], other[same:]
    if not same or not (rest_of_one or rest_of_other):
        return one, other
    return ("…", *rest_of_one), ("…", *rest_of_other)


def _said(value: Any) -> str:
    """A value in a person's words."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(_said, value)) or "none"
    if isinstance(value, Limits):
        return f"{value.memory_mb} MiB, {value.cpus:g} CPUs"
    if isinstance(value, Published):
        return f"{value.address}:{value.host}"
    return str(value) or '""'
