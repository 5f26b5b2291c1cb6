"""The files of a component: its configuration and its secrets."""

from collections.abc import Mapping
from pathlib import Path


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Move files that only the owner can read into the folder; none is ever seen half written.

    Those that were not there before come first: a changed one may name them.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in sorted(files, key=lambda name: (folder / name).exists()):
        new = folder / f".{name}.new"
        new.touch(mode=0o600)
        new.write_text(files[name])
        new.replace(folder / name)
