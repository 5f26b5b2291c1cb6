"""Runs of the benchmarks as files: `reports/bench/<id>.json`, the id being the time at which it began."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.figures import Figure
from infra.settings import PROJECT_ROOT

RESULTS = PROJECT_ROOT / "reports" / "bench"


class NoResultError(Exception):
    """There is no such run; the message says which there are."""


@dataclass(frozen=True)
class Result:
    """One run."""

    id: str
    began_at: datetime
    quick: bool
    machine: dict[str, str]
    load_before: float  # the machine's load average: what else it was busy with
    figures: dict[str, list[Figure]] = field(default_factory=dict)  # by benchmark
    failures: dict[str, str] = field(default_factory=dict)  # by benchmark: why it could not be measured to its end


_RESULT = TypeAdapter(Result)


def save(result: Result, folder: Path | None = None) -> Path:
    """Write the run's file."""
    folder = folder or RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.id}.json"
    path.write_bytes(_RESULT.dump_json(result, indent=2))
    return path


def load(name: str, folder: Path | None = None) -> Result:
    """A run by its id or its file's path; raises NoResultError."""
    folder = folder or RESULTS
    path = Path(name) if name.endswith(".json") else folder / f"{name}.json"
    if not path.exists():
        raise NoResultError(f"{path} is not there; there are {', '.join(_ids(folder)) or 'none yet'}")
    return _RESULT.validate_json(path.read_bytes())


def last(benchmark: str, *, quick: bool, folder: Path | None = None) -> Result | None:
    """The latest run, as quick as this one, in which the benchmark was measured."""
    folder = folder or RESULTS
    runs = (load(name, folder) for name in reversed(_ids(folder)))
    return next((run for run in runs if benchmark in run.figures and run.quick == quick), None)


def _ids(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.json"))
