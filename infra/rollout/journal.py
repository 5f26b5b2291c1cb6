"""What happened in a rollout, line by line: actions, looks and decisions. Only ever added to."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from infra.rollout.judgement import Judgement
from infra.rollout.measurements import Measurements

JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Action:
    """Something is changed, or has been."""

    what: str
    done: bool
    kind: Literal["action"] = "action"


@dataclass(frozen=True)
class Look:
    """What was measured and judged at one moment of a step."""

    step: int
    name: str
    weights: Mapping[str, int]
    until_s: float  # since the step's begin: when the window may end
    measured: Measurements
    judgements: tuple[Judgement, ...]
    problem: str = ""  # why nothing could be measured
    kind: Literal["look"] = "look"


@dataclass(frozen=True)
class Conclusion:
    """What follows, and why."""

    what: str
    reason: str
    by: tuple[str, ...] = ()  # triggers
    kind: Literal["conclusion"] = "conclusion"


Entry = Action | Look | Conclusion
Note = Callable[[Entry], None]
"""Takes each entry as it happens."""


@dataclass(frozen=True)
class Line:
    """An entry with its time, in seconds since 1970."""

    at: float
    entry: Annotated[Entry, Field(discriminator="kind")]


_LINE = TypeAdapter(Line)


def writer(folder: Path, *, clock: Callable[[], float] = time.time) -> Note:
    """What appends entries to the journal in a rollout's folder; each is on the disk when it returns."""
    path = folder / JOURNAL

    def note(entry: Entry) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            torn = size and os.pread(descriptor, 1, size - 1) != b"\n"  # a killed engine's last line
            os.write(descriptor, (b"\n" if torn else b"") + _dumped(Line(clock(), entry)) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    return note


def read(folder: Path) -> list[Line]:
    """The journal in a rollout's folder; a line that a kill has cut off is left out."""
    path = folder / JOURNAL
    if not path.exists():
        return []
    return [line for text in path.read_bytes().splitlines() if (line := _line(text))]


def _dumped(line: Line) -> bytes:
    return json.dumps(_LINE.dump_python(line, mode="json")).encode()  # pydantic's own JSON has no infinity


def _line(text: bytes) -> Line | None:
    try:
        return _LINE.validate_json(text)
    except ValidationError:
        return None
