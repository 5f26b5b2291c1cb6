"""The journal: every run of a schedule in a file of the suite's run, from which it can be run again."""

from pathlib import Path

from pydantic import TypeAdapter

from chaos.schedules.trial import Trial

FOLDER = "schedules"
TRIAL = TypeAdapter(Trial)


class JournalError(RuntimeError):
    """There is no such journal."""


def find(reports: Path, name: str) -> Path:
    """What `read` reads: the folder of the run `RUN`, or the file of `RUN/NAME`; raises JournalError without one."""
    run, _, trial = name.partition("/")
    path = reports / run / FOLDER / f"{trial}.json" if trial else reports / run
    if not path.exists() or not read(path):
        raise JournalError(f"{path} is no journal of schedules")
    return path


def write(run: Path, trial: Trial) -> Path:
    """Note the trial, in the place of an earlier note of it; returns the file."""
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{trial.name}.json"
    path.write_bytes(TRIAL.dump_json(trial, indent=1))
    return path


def read(path: Path) -> list[Trial]:
    """The trials of a run's folder in their order, or that of a file; raises OSError or pydantic's ValidationError."""
    files = sorted((path / FOLDER).glob("*.json")) if path.is_dir() else [path]
    return [TRIAL.validate_json(file.read_bytes()) for file in files]
