"""Changes of a component in a person's words."""

from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from infra.manifest import Change
from infra.policy.images import parsed
from infra.topology import Limits

LONGEST = 60  # characters of a value that are shown


def in_words(change: Change) -> tuple[str, ...]:
    """The change of one field, a phrase for each thing that is not as it was."""
    return tuple(_WORDS.get(change.field, _plainly)(change))


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _plainly(change: Change) -> Iterator[str]:
    yield f"{change.field.replace('_', ' ')}: {_listed(change.before)} → {_listed(change.after)}"


def _listed(value: object) -> str:
    if isinstance(value, Mapping):
        value = [f"{inner} at {outer}" for outer, inner in value.items()]
    if isinstance(value, list | tuple):
        return _short(" ".join(map(str, value)) or "none")
    return _short({True: "yes", False: "no", "": "none"}.get(value, value) if isinstance(value, bool | str) else value)


def _runs(change: Change) -> Iterator[str]:
    before, after = str(change.before), str(change.after)
    old, new = parsed(before), parsed(after)
    if " " in after:  # a program with its version
        yield f"program {before} → {after}"
    elif (old.registry, old.repository) != (new.registry, new.repository):
        yield f"image {before} → {after}"
    elif old.tag != new.tag:
        yield f"image {new.repository} {old.tag} → {new.tag}"
    else:
        yield f"image {new.repository} {new.tag}: other content ({_short(new.digest or 'no digest')})"


def _command(change: Change) -> Iterator[str]:
    before, after = list(change.before), list(change.after)
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        old, new = _short(" ".join(before[i:j])), _short(" ".join(after[k:m]))
        if kind != "equal":
            yield f"command: {old} → {new}" if old and new else f"command: {new} added" if new else f"command: no {old}"


def _environment(change: Change) -> Iterator[str]:
    for name, old, new in _entries(change):
        if old is None:
            yield f"environment: {name} = {_short(new)} added"
        elif new is None:
            yield f"environment: no {name}"
        else:
            yield f"environment: {name} {_short(old)} → {_short(new)}"


def _files(change: Change) -> Iterator[str]:
    for name, old, new in _entries(change):
        yield f"file {name} {'added' if old is None else 'gone' if new is None else 'changed'}"


def _entries(change: Change) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*change.before, *change.after}):
        old, new = change.before.get(name), change.after.get(name)
        if old != new:
            yield name, old, new


def _limits(change: Change) -> Iterator[str]:
    old, new = change.before or Limits(0, 0), change.after or Limits(0, 0)
    if old.memory_mb != new.memory_mb:
        yield f"memory {old.memory_mb or 'unlimited'} → {new.memory_mb or 'unlimited'} MiB"
    if old.cpus != new.cpus:
        yield f"CPUs {old.cpus or 'unlimited'} → {new.cpus or 'unlimited'}"


def _ports(change: Change) -> Iterator[str]:
    old, new = ([f"{p.address}:{p.host}" for p in ports] for ports in (change.before, change.after))
    yield f"ports: {_listed(old)} → {_listed(new)}"


def _source(_change: Change) -> Iterator[str]:
    yield "its code changed"


_WORDS: Mapping[str, Callable[[Change], Iterator[str]]] = {
    "runs": _runs,
    "command": _command,
    "environment": _environment,
    "files": _files,
    "live_files": _files,
    "source": _source,
    "limits": _limits,
    "ports": _ports,
}
"""By field; the others are told plainly."""
