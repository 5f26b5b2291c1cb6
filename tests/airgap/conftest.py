import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.settings import PROJECT_ROOT
from tests.namespaces import Namespace, NamespaceError, without_a_route

PAGES = ("local-target.md", "air-gap.md", "rotation.md")


@dataclass(frozen=True)
class Carried:
    """The archive, and what `make bundle` said that one does with it: check, unpack, bring up."""

    archive: Path
    check: str
    unpack: str
    up: str


@pytest.fixture(scope="session")
def carried() -> Iterator[Carried]:
    """A bundle of this project as it is now, and where it is unpacked."""
    # Not in pytest's folder, which would keep its gigabytes; after a failure something may still be ending in it.
    with tempfile.TemporaryDirectory(prefix="breakwater-airgap-", ignore_cleanup_errors=True) as folder:
        archive = Path(folder, "breakwater.tar")
        command = [sys.executable, "-m", "infra.cli", "bundle", "--uncommitted", "--output", str(archive)]
        said = subprocess.run(command, cwd=PROJECT_ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        check, unpack, up = (line.strip() for line in said.splitlines() if line.startswith("  "))
        yield Carried(archive, check, unpack, up)


@pytest.fixture(scope="session")
def project(carried: Carried) -> Path:
    """The folder that comes out of the archive."""
    both = f"set -e; {carried.check}; {carried.unpack}; pwd"
    said = subprocess.run(["sh", "-c", both], cwd=carried.archive.parent, check=True, stdout=subprocess.PIPE, text=True)
    assert f"{carried.archive.name}: OK" in said.stdout
    return Path(said.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """A machine without a network, where nothing of this project has ever been: no data, no caches, no settings."""
    home = tmp_path_factory.mktemp("machine")
    python = Path(sys.base_prefix, "bin")
    environment = {
        "PATH": os.pathsep.join((str(python), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")),
        "HOME": str(home),
        "BREAKWATER_HOME": str(home / "data"),
    }
    try:
        with without_a_route(home, environment) as namespace:
            yield namespace
    except NamespaceError as error:
        pytest.skip(f"no network namespace can be made here: {error}")


@pytest.fixture(scope="session")
def up(machine: Namespace, carried: Carried, project: Path) -> str:
    """What the machine's first `make up` said; the stack stays up. Few documents: reading takes longest."""
    for page in (project / "docs").rglob("*.*"):
        if page.name not in PAGES:
            page.unlink()
    status, said = machine.run(*carried.up.split(), "OFFSET=1300", cwd=project)
    assert status == 0, said
    return said
