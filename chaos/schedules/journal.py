"""The journal: every run of a schedule in a file of the suite's run, from which it can be run again."""

from pathlib import Path

from pydantic import TypeAdapter

from chaos.schedules.trial import Trial

FOLDER = "schedules"
TRIAL = TypeAdapter(Trial)


def write(run: Path, trial: Trial) -> Path:
    """Note the trial, in the place of an earlier note of it; returns the file."""
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{trial.name}.json"
    path.write_bytes(TRIAL.dump_json(trial, indent=1))
    return path


def read(path: Path) -> list[Trial]:
    """The trials of a run's folder, in their order, or the one of a file; raises OSError or pydantic's ValidationError."""
    files = sorted((path / FOLDER).glob("*.json")) if path.is_dir() else [path]
    return [TRIAL.validate_json(file.read_bytes()) for file in files]
