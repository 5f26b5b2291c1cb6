"""Files that are there whole, or not at all, whatever ends the writer or the machine."""

import os
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Have `path` hold `text` on the disk when this returns; its folder is made. Only the owner can read either."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)
    _sync_folder(path.parent)


def remove(path: Path) -> None:
    """Have `path` be gone from the disk when this returns."""
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
