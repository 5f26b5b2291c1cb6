"""A whole stack for tests: its own ports, its own data directory, gone afterwards, also when the tests are killed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from infra.free_ports import free_offset
from infra.settings import PROJECT_ROOT
from infra.targets.local.paths import StackPaths


@dataclass(frozen=True)
class Stack:
    """A stack that is up, or about to be."""

    name: str
    offset: int
    home: Path
    environment: dict[str, str]

    @property
    def paths(self) -> StackPaths:
        return StackPaths(self.home / self.name)

    def breakwater(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run the command that the make targets call."""
        command, *rest = arguments
        return subprocess.run(
            [sys.executable, "-m", "infra.cli", command, "--stack", self.name, *rest],
            env=self.environment,
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def pulumi(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run Pulumi as a person would in a shell prepared by `make env`."""
        prepared = self.breakwater("env").stdout
        line = " ".join(("pulumi", *arguments, "--non-interactive", "--stack", self.name))
        return subprocess.run(
            ["sh", "-c", f"{prepared}\n{line}"],
            env=self.environment,
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def few_documents(folder: Path) -> dict[str, str]:
    """The settings of a stack that has three of the documents: reading all of them keeps both cores busy for long."""
    (folder / "docs").mkdir()
    for name in ("local-target.md", "vector-cluster.md", "database.md"):
        shutil.copy(PROJECT_ROOT / "docs" / name, folder / "docs")
    collections = Path(shutil.copy(PROJECT_ROOT / "collections-config.json", folder))
    assert [c["directory"] for c in json.loads(collections.read_text())["collections"]] == ["docs"]
    return {"collectionsFile": str(collections), "dataRoot": str(folder), "docsRoot": str(folder / "docs")}


@contextmanager
def temporary_stack(**settings: object) -> Iterator[Stack]:
    """A stack's name, ports and folder, with what is left of it removed at the end, however that comes."""
    home = Path(tempfile.mkdtemp(prefix="bw-"))
    name = f"test-{os.getpid()}-{home.name[3:]}".replace("_", "-").lower()
    config = PROJECT_ROOT / f"Pulumi.{name}.yaml"
    offset = free_offset()
    values = {f"breakwater:{key}": value for key, value in {"portOffset": offset, **settings}.items()}
    config.write_text(yaml.safe_dump({"config": values}))
    # Below `make test` another make would say where it is, also to who reads what it prints.
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    environment = {**outside, "BREAKWATER_HOME": str(home)}
    watchdog = subprocess.Popen(
        [sys.executable, "-m", "tests.watchdog", str(home / name), str(home), str(config)],
        stdin=subprocess.PIPE,
        cwd=PROJECT_ROOT,
        start_new_session=True,
    )
    try:
        yield Stack(name, offset, home, environment)
    finally:
        watchdog.communicate()  # its input ends, as it would if these tests were killed
        assert not home.exists()


def remove(root: Path, home: Path, config: Path) -> None:
    """Stop what runs below `root` and delete the folder and the stack's settings."""
    from infra.targets.local import supervisor
    from infra.workspace import end_orphans

    end_orphans(f"file://{home}/state")  # first: they could start what is being stopped
    supervisor.stop(StackPaths(root))
    shutil.rmtree(home, ignore_errors=True)
    config.unlink(missing_ok=True)
