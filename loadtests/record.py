"""What a load run leaves in its folder: plain data, from which every form of its report is made."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from loadtests.shapes import Stage
from loadtests.usage import Used

SAMPLES, COMPONENTS = "samples.jsonl", "components.csv"


@dataclass(frozen=True)
class Run:
    """A load as it was planned and run."""

    id: str
    began_at: datetime
    shape: str
    stages: Sequence[Stage]
    target: str  # a stack's name, or a host
    url: str
    slots: int
    generators: int
    cores: int  # of the machine that the generator began on
    stack: Mapping[str, str]  # each component and the implementation that ran


RUN = TypeAdapter(Run)


def save_run(folder: Path, run: Run) -> None:
    """Write `run.json` into the run's folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_bytes(RUN.dump_json(run, indent=2))


def load_run(folder: Path) -> Run:
    """The run of a folder; raises OSError or pydantic's ValidationError for a folder that is none."""
    return RUN.validate_json((folder / "run.json").read_bytes())


def save_usage(folder: Path, used: Iterable[Used]) -> None:
    """Write `components.csv`: what each component used, second by second."""
    with (folder / COMPONENTS).open("w", newline="") as file:
        rows = csv.DictWriter(file, [field.name for field in fields(Used)])
        rows.writeheader()
        rows.writerows({**asdict(each), "at": f"{each.at:.1f}", "cores": f"{each.cores:.3f}"} for each in used)


def load_usage(folder: Path) -> list[Used]:
    """What `save_usage` has written; empty where nothing was measured."""
    try:
        with (folder / COMPONENTS).open(newline="") as file:
            return [
                Used(float(row["at"]), row["component"], float(row["cores"]), float(row["memory_mb"]))
                for row in csv.DictReader(file)
            ]
    except FileNotFoundError:
        return []
