"""Write one archive from which `make up OFFLINE=1` brings the stack up on a machine without a network.

It holds this project as committed, every wheel of requirements.lock for this Python and machine, the programs of
.tools/bin and, for the docker target, the stack's images, which this machine's engine must have. It holds no data, no
state and no secret. docs/air-gap.md is the way from here to the other machine.

  breakwater bundle                        dist/breakwater-0.1.0-local-<commit>.tar
  breakwater bundle --output /media/stick/breakwater.tar
  breakwater bundle --stack docker         with that stack's images and settings
"""

import argparse
import os
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from infra import wheels
from infra.bundle import BundleError, Contents, Machine, Part, project_tree, write
from infra.settings import PROJECT_ROOT, Settings
from infra.stack_settings import stack_file, stack_settings
from infra.targets.docker import offline
from infra.workspace import TOOLS, plugin

PROGRAMS = (
    "toxiproxy-server",
    "pulumi",
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-resource-pulumi-python",
)
VERSIONS = {"toxiproxy-server": "--version", "pulumi": "version"}  # how each tells its own, as its last word


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where the archive goes, and whether it may differ from what is committed."""
    parser.add_argument("--output", type=Path, metavar="FILE", help="the archive (default: in dist/, by its contents)")
    parser.add_argument("--uncommitted", action="store_true", help="take changed files as they are; the lock says so")


def run(parsed: argparse.Namespace) -> int:
    """Collect what belongs in, write the archive, and tell its size, its digest and what to do with it."""
    settings = stack_settings(parsed.stack)
    tree = project_tree(uncommitted=parsed.uncommitted)
    own_settings = _settings_file(parsed.stack)
    programs = {name: program(name) for name in PROGRAMS}
    if settings.target == "docker":
        programs["pulumi-resource-docker"] = plugin("docker", version("pulumi-docker"))
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(dir=_scratch()) as scratch, Progress(*columns) as progress:
        finding = progress.add_task("wheels", total=None)
        wanted = wheels.locked()
        progress.update(finding, total=sum(wheel.size or 0 for wheel in wanted))
        files = wheels.fetch(wanted, lambda count: progress.advance(finding, count))
        parts = [Part(f"wheels/{file.name}", file) for file in files]
        parts += [Part(f"bin/{name}", file, mode=0o755) for name, file in programs.items()]
        images = {}
        if settings.target == "docker":
            progress.console.print("images: the engine writes them")
            parts.append(Part(offline.IMAGES, Path(scratch, offline.IMAGES)))
            images = offline.save(settings, parts[-1].file)
        contents = Contents(
            stack=parsed.stack,
            target=settings.target,
            version=version("breakwater-rag"),
            tree=tree,
            machine=Machine.of_wheels([file.name for file in files]),
            programs={name: _version(programs[name], how) for name, how in VERSIONS.items()},
            images=images,
        )
        archive = parsed.output or PROJECT_ROOT / "dist" / f"{contents.name}.tar"
        packing = progress.add_task("archive", total=sum(part.file.stat().st_size for part in parts))
        digest = write(
            archive, contents, parts, settings=own_settings, progress=lambda count: progress.advance(packing, count)
        )
    show(Console(highlight=False), archive, digest, contents, settings)
    return 0


def program(name: str) -> Path:
    """Where a program lies: what was built here, else what is on PATH; raises BundleError."""
    found = shutil.which(name, path=os.pathsep.join((str(TOOLS), os.environ["PATH"])))
    if not found:
        raise BundleError(f"there is no {name} to put in; `make tools` builds what is built here")
    return Path(found)


def show(console: Console, archive: Path, digest: str, contents: Contents, settings: Settings) -> None:
    """Tell what was written and how it is used."""
    needs = contents.machine
    stack = "" if settings.stack == "local" else f" STACK={settings.stack}"
    console.print(f"\n{archive}  {archive.stat().st_size / 2**20:.0f} MiB\nsha256 {digest}", soft_wrap=True)
    console.print(
        f"\nOn the other machine ({needs.machine}, Python {needs.python}, glibc {needs.glibc} or newer, make):\n\n"
        f'  echo "{digest}  {archive.name}" | sha256sum --check\n'
        f"  tar -xf {archive.name} && cd {contents.name}\n"
        f"  make up OFFLINE=1{stack}",
        soft_wrap=True,
        markup=False,
    )


def _settings_file(stack: str) -> list[Path]:
    """The stack's settings where git does not have them; raises BundleError where there are secrets among them."""
    file = stack_file(stack)
    tracked = subprocess.run(
        ["git", "ls-files", "--error-unmatch", file.name], cwd=file.parent, capture_output=True, check=False
    )
    if not file.exists() or not tracked.returncode:
        return []
    if "secure:" in file.read_text():
        raise BundleError(
            f"{file.name} has secrets, encrypted with this machine's passphrase; a bundle carries none. Take them out "
            f"(pulumi config rm KEY -s {stack}), and set them on the other machine"
        )
    return [file]


def _scratch() -> Path:
    """Where the images are written before they are in the archive: beside it, as they may be larger than /tmp."""
    folder = PROJECT_ROOT / "dist"
    folder.mkdir(exist_ok=True)
    return folder


def _version(file: Path, how: str) -> str:
    said = subprocess.run([file, how], capture_output=True, text=True, check=True).stdout
    return said.split()[-1].removeprefix("v")
