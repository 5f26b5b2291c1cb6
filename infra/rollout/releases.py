"""Releases of the services: named, immutable copies of their code, made from a checkout or a wheel.

A stack of the local target runs two of them side by side. A release's name is its version with a digest of what is in
it, so that the same content is the same release, and another one never has its name.
"""

import hashlib
import re
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import Parser
from importlib import metadata
from pathlib import Path

from infra.settings import PROJECT_ROOT
from infra.targets.local.paths import data_directory

PARTS = ("services", "migrations")
"""The folders that make a release: the services' code, which imports nothing else of the project, and its schema."""
DIGITS = 8  # of the digest in a name


class ReleaseError(RuntimeError):
    """There is no such release, or nothing that one can be made from; the message says what would do."""


@dataclass(frozen=True)
class Release:
    """A release: what goes before everything else on Python's path, and the migrations beside it."""

    name: str
    path: Path

    @property
    def migrations(self) -> Path:
        """The folder of the release's migrations."""
        return self.path / "migrations"


def own() -> str:
    """The name by which a stack of the local target has this checkout as its release: its version alone."""
    return metadata.version("breakwater-rag")


def prepare(source: str) -> Release:
    """The release of a checkout's folder or a wheel, copied to the data directory unless it is there already.

    Raises ReleaseError.
    """
    releases = _folder()
    releases.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _opened(Path(source)) as (version, folder), tempfile.TemporaryDirectory(dir=releases, prefix=".") as new:
        copy = Path(new) / "release"
        for part in PARTS:
            shutil.copytree(folder / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        name = f"{re.sub('[^A-Za-z0-9._-]', '.', version)}-{_digest(copy)}"
        if not (releases / name).exists():
            copy.rename(releases / name)
    return find(name)


def find(name: str) -> Release:
    """The release of that name, this checkout's own or a prepared one; raises ReleaseError."""
    path = PROJECT_ROOT if name == own() else _folder() / name
    if not path.is_dir():
        there = ", ".join(prepared()) or "none yet"
        raise ReleaseError(f"no release {name!r} is prepared ({there}); prepare one from a checkout or a wheel")
    return Release(name, path)


def prepared() -> list[str]:
    """The names of all prepared releases."""
    folders = _folder().glob("[!.]*")
    return sorted(folder.name for folder in folders)


def _folder() -> Path:
    return data_directory() / "releases"


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder)}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()[:DIGITS]


@contextmanager
def _opened(source: Path) -> Iterator[tuple[str, Path]]:
    """The version that a source says it is, and the folder that has all PARTS."""
    if source.is_dir():
        yield _version_of_checkout(source), _whole(source, source)
    elif source.is_file():
        with tempfile.TemporaryDirectory() as folder:
            version = _unpacked(source, Path(folder))
            yield version, _whole(source, Path(folder))
    else:
        raise ReleaseError(f"there is no {source}; name the folder of a checkout, or a wheel")


def _whole(source: Path, folder: Path) -> Path:
    missing = [part for part in PARTS if not any((folder / part).glob("*"))]
    if missing:
        raise ReleaseError(f"{source} has no {' and no '.join(f'{part}/' for part in missing)}, so it is no release")
    return folder


def _version_of_checkout(folder: Path) -> str:
    file = folder / "pyproject.toml"
    try:
        return str(tomllib.loads(file.read_text())["project"]["version"])
    except OSError:
        raise ReleaseError(f"{folder} has no pyproject.toml, so it is no checkout of this project") from None
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise ReleaseError(f"{file} names no version: {error!r}") from None


def _unpacked(wheel: Path, folder: Path) -> str:
    """Unpack what a release is made of; returns the wheel's version."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            version = Parser().parsestr(archive.read(metadata).decode())["Version"]
            # Names that lead out of the folder are made harmless by zipfile.
            archive.extractall(folder, [name for name in archive.namelist() if name.partition("/")[0] in PARTS])
    except (zipfile.BadZipFile, ValueError) as error:
        raise ReleaseError(f"{wheel} is no wheel: {error}") from None
    if not version:
        raise ReleaseError(f"{wheel} names no version in its METADATA")
    return str(version)
