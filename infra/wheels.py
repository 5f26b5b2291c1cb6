"""The wheels of requirements.lock for this machine: uv finds them, several are downloaded at a time."""

import hashlib
import os
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from packaging.pylock import PackageWheel, Pylock
from packaging.utils import parse_wheel_filename

from infra.settings import PROJECT_ROOT

LOCK = PROJECT_ROOT / "requirements.lock"
KEPT = PROJECT_ROOT / ".tools" / "wheels"
"""Where wheels stay once they are downloaded: a later bundle takes them from there."""
ATTEMPTS = 3
DOWNLOADS = 16  # at a time; most wheels are small, and what they take is the way to the index
TIMEOUT_S = 60  # of one read
LEGACY_GLIBC = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}  # PEP 600


class WheelError(RuntimeError):
    """A wheel cannot be had, or is not the locked one; the message names it."""


def locked() -> list[PackageWheel]:
    """The wheel of each package in requirements.lock that fits this Python and machine; raises WheelError."""
    command = ["uv", "pip", "compile", "-q", "--no-deps", "--only-binary", ":all:", "--generate-hashes", "--no-header"]
    command += ["--format", "pylock.toml", "--python", sys.executable, str(LOCK)]
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    # A registry mirror may have a certificate that only this machine knows.
    environment = {**os.environ, "PATH": programs, "UV_SYSTEM_CERTS": "true"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise WheelError(f"uv does not find the wheels of requirements.lock: {answer.stderr.strip()}")
    return select(tomllib.loads(answer.stdout), LOCK.read_text())


def select(pylock: dict[str, Any], lock: str) -> list[PackageWheel]:
    """The best wheel of each package for this Python and machine; raises WheelError where `lock` lacks its hash."""
    wheels = [found for _, found in Pylock.from_dict(pylock).select() if isinstance(found, PackageWheel)]
    for wheel in wheels:
        if f"sha256:{wheel.hashes['sha256']}" not in lock:
            raise WheelError(f"{wheel.filename} of the package index is not among those of requirements.lock")
    return wheels


def fetch(wheels: Sequence[PackageWheel], progress: Callable[[int], None], folder: Path = KEPT) -> list[Path]:
    """Have the wheels in `folder`, and nothing else; those that are there are not downloaded again. Raises WheelError.

    Args:
        progress: called, from several threads, with the bytes that have come since its last call.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.name not in {wheel.filename for wheel in wheels}:
            file.unlink()
    with ThreadPoolExecutor(DOWNLOADS) as threads:
        return list(threads.map(lambda wheel: _have(wheel, folder / wheel.filename, progress), wheels))


def least_glibc(names: Iterable[str]) -> str:
    """The oldest glibc with which all wheels of these names work, as "2.28"."""
    # A wheel with several platforms works on each; one without any glibc in its name works on all.
    oldest = [min(found, default=(2, 5)) for found in (_glibcs(name) for name in names)]
    return ".".join(map(str, max(oldest, default=(2, 5))))


def _glibcs(name: str) -> list[tuple[int, int]]:
    found = []
    for tag in parse_wheel_filename(name)[3]:
        kind, *numbers = tag.platform.split("_")
        if kind == "manylinux":
            found.append((int(numbers[0]), int(numbers[1])))
        elif kind in LEGACY_GLIBC:
            found.append(LEGACY_GLIBC[kind])
    return found


def _have(wheel: PackageWheel, file: Path, progress: Callable[[int], None]) -> Path:
    wanted = wheel.hashes["sha256"]
    if file.exists() and sha256(file) == wanted:
        progress(file.stat().st_size)
        return file
    part = file.with_name(f"{file.name}.part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _download(str(wheel.url), part, progress)
            break
        except OSError as error:
            if attempt == ATTEMPTS:
                raise WheelError(
                    f"{wheel.filename} cannot be downloaded ({error}); run `make bundle` again: what is there stays"
                ) from None
    if sha256(part) != wanted:
        part.unlink()
        raise WheelError(f"{wheel.filename} is not the locked one: what {wheel.url} gives has another digest")
    return part.rename(file)


def _download(url: str, to: Path, progress: Callable[[int], None]) -> None:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, to.open("wb") as out:
        while block := answer.read(1 << 18):
            out.write(block)
            progress(len(block))


def sha256(file: Path) -> str:
    """The file's digest, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
