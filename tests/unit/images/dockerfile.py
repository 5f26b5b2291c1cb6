"""The Dockerfile as its stages and what each does, and the build context as the engine is sent it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docker.utils.build import exclude_paths

from infra.settings import PROJECT_ROOT


@dataclass(frozen=True)
class Stage:
    """A stage: what it begins with, and its instructions."""

    base: str
    instructions: tuple[tuple[str, str], ...]

    def arguments(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.instructions if name == instruction]


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (PROJECT_ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(name, rest.strip()) for line in lines if line for name, _, rest in [line.partition(" ")]]


def stages() -> dict[str, Stage]:
    found: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    name = ""
    for instruction, rest in instructions():
        if instruction == "FROM":
            base, _, name = rest.split(" ")
            found[name] = (base, [])
        elif name:
            found[name][1].append((instruction, rest))
    return {name: Stage(base, tuple(rest)) for name, (base, rest) in found.items()}


def lineage(target: str) -> Iterator[Stage]:
    """The stages that `target` is made of, itself first."""
    known = stages()
    while target in known:
        yield known[target]
        target = known[target].base


def code_of(target: str) -> list[str]:
    """The project's files and folders that an image gets, relative to the project."""
    copies = [rest.split() for stage in lineage(target) for rest in stage.arguments("COPY")]
    return [
        source.removeprefix("/app/") for stage, *sources, _ in copies if stage == "--from=code" for source in sources
    ]


def context(root: Path = PROJECT_ROOT) -> set[str]:
    """The files that are sent to the engine, relative to `root`."""
    lines = (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return {path for path in exclude_paths(str(root), patterns, "Dockerfile") if (root / path).is_file()}
