"""A bundle: one archive from which a stack comes up where there is no network.

It is the project as git has it, with a folder offline/ beside: wheels, programs and images, `bundle.lock` which says
what they are and for which machine, and `SHA256SUMS`, which `sha256sum --check` reads before any of it is used. The
same commit yields the same bytes.
"""

import io
import json
import platform
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infra.settings import PROJECT_ROOT
from infra.wheels import least_glibc, sha256

OFFLINE = "offline"
LOCK = PROJECT_ROOT / OFFLINE / "bundle.lock"
"""The lock of the bundle that this project came out of; there is none where git is its origin."""


class BundleError(RuntimeError):
    """A bundle cannot be written or used; the message says what to do."""


@dataclass(frozen=True)
class Tree:
    """The project's files as a git tree, and the commit that they are of."""

    tree: str
    commit: str
    seconds: int
    """When the commit was made, since 1970; the files of offline/ have this time."""
    uncommitted: bool


@dataclass(frozen=True)
class Machine:
    """What a machine needs to use the wheels and programs of a bundle: tools/offline compares them."""

    python: str
    machine: str
    glibc: str

    @classmethod
    def of_wheels(cls, names: Sequence[str]) -> "Machine":
        """What this machine's wheels of these names need."""
        return cls("{}.{}".format(*sys.version_info), platform.machine(), least_glibc(names))


@dataclass(frozen=True)
class Part:
    """A file of offline/: its name below it, and where its contents are."""

    name: str
    file: Path
    mode: int = 0o644


@dataclass(frozen=True)
class Contents:
    """What the lock tells: for whom, of what, and each file."""

    stack: str
    target: str
    version: str
    tree: Tree
    machine: Machine
    programs: Mapping[str, str]
    """Versions by program."""
    images: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of the stack's images by name: their ids and layers."""

    @property
    def name(self) -> str:
        """Of the archive, without `.tar`, and of the folder in it."""
        of = f"{self.tree.commit[:9]}{'-uncommitted' if self.tree.uncommitted else ''}"
        return f"breakwater-{self.version}-{self.target}-{of}"


def project_tree(root: Path = PROJECT_ROOT, *, uncommitted: bool = False) -> Tree:
    """The project's files as they are committed; raises BundleError where some differ and are not asked for.

    Args:
        uncommitted: take files that git has as they are now.
    """
    try:
        commit, seconds = _git(root, "log", "-1", "--format=%H %ct").split()
        # A commit of the files as they are now, which no branch has; nothing where they are those of the last one.
        changed = _git(root, "-c", "user.name=bundle", "-c", "user.email=bundle@localhost", "stash", "create").strip()
    except FileNotFoundError:
        raise BundleError("a bundle is made from a git repository, and there is no `git` command") from None
    except subprocess.CalledProcessError as error:
        raise BundleError(f"a bundle is made from a git repository: {error.stderr.strip()}") from None
    if changed and not uncommitted:
        files = _git(root, "diff", "--name-only", "HEAD").split()
        raise BundleError(
            f"{len(files)} files differ from what is committed ({', '.join(files[:3])}…); commit them, or take them "
            "as they are: make bundle UNCOMMITTED=1"
        )
    return Tree(changed or commit, commit, int(seconds), uncommitted=bool(changed))


def lock(contents: Contents, files: Mapping[str, tuple[str, int]]) -> str:
    """The text of bundle.lock: what is told of the contents, and of each file its digest and bytes.

    tools/offline reads lines of it, which therefore hold one key each.
    """
    told = asdict(contents)
    tree = told.pop("tree")
    told |= {"commit": tree["commit"], "uncommitted": tree["uncommitted"], **told.pop("machine")}
    told["files"] = {name: {"sha256": digest, "bytes": size} for name, (digest, size) in files.items()}
    return json.dumps(told, indent=2) + "\n"


def sums(files: Mapping[str, tuple[str, int]]) -> str:
    """The text of SHA256SUMS."""
    return "".join(f"{digest}  {name}\n" for name, (digest, _) in files.items())


def write(
    archive: Path,
    contents: Contents,
    parts: Sequence[Part],
    *,
    settings: Sequence[Path] = (),
    root: Path = PROJECT_ROOT,
    progress: Callable[[int], None] = lambda _: None,
) -> str:
    """Write the archive; returns its digest. A killed attempt leaves no archive of that name.

    Args:
        settings: files of the project's folder that git does not have, and the stack needs.
        progress: called with the bytes of each file that is in.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_name(f"{archive.name}.new")
    command = ("archive", "--format=tar", f"--prefix={contents.name}/", f"--output={unfinished.resolve()}")
    _git(root, *command, contents.tree.tree)
    files: dict[str, tuple[str, int]] = {}
    with tarfile.open(unfinished, "a") as tar:
        for part in sorted(parts, key=lambda part: part.name):
            size = part.file.stat().st_size
            with part.file.open("rb") as stream:
                tar.addfile(_entry(contents, f"{OFFLINE}/{part.name}", size, part.mode), stream)
            files[part.name] = (sha256(part.file), size)
            progress(size)
        for file in settings:
            _add(tar, contents, file.name, file.read_bytes())
        _add(tar, contents, f"{OFFLINE}/bundle.lock", lock(contents, files).encode())
        _add(tar, contents, f"{OFFLINE}/SHA256SUMS", sums(files).encode())
    unfinished.rename(archive)
    return sha256(archive)


def read_lock(file: Path = LOCK) -> dict[str, Any]:
    """What the bundle that this project came out of holds; raises BundleError where it came out of none."""
    if not file.exists():
        raise BundleError(f"there is no bundle in {file.parent}; `make bundle` writes one on a machine with a network")
    told: dict[str, Any] = json.loads(file.read_text())
    return told


def _add(tar: tarfile.TarFile, contents: Contents, name: str, data: bytes) -> None:
    tar.addfile(_entry(contents, name, len(data), 0o644), io.BytesIO(data))


def _entry(contents: Contents, name: str, size: int, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"{contents.name}/{name}")
    entry.size, entry.mode, entry.mtime = size, mode, contents.tree.seconds
    return entry


def _git(root: Path, *command: str) -> str:
    return subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=True).stdout
