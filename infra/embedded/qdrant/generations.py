"""A shard's directory: the engine's files in it, and beside them, while it is made, what is to take their place.

The file `complete` names the directory of the files in use. In the shards of earlier releases it is empty, and the
files lie beside it.
"""

import shutil
from pathlib import Path
from secrets import token_hex

_COMPLETE = "complete"
_PREFIX = "generation-"


def current(directory: Path) -> Path | None:
    """Where the files in use are; None if the shard's creation was cut short."""
    complete = directory / _COMPLETE
    return directory / complete.read_text() if complete.exists() else None


def following(directory: Path) -> Path:
    """A place for files that are to be used next; it isn't there yet."""
    return directory / f"{_PREFIX}{token_hex(4)}"


def adopt(directory: Path, generation: Path) -> None:
    """From now on use these files, also after a kill; they have to be complete."""
    written = directory / f"{_COMPLETE}.new"
    written.write_text(generation.name)
    written.replace(directory / _COMPLETE)


def tidy(directory: Path) -> None:
    """Remove the files that are not in use, and if none are, the directory."""
    used = current(directory)
    if not used:
        shutil.rmtree(directory, ignore_errors=True)
        return
    kept = {directory / _COMPLETE, used}
    for path in directory.iterdir():
        if path in kept or (used == directory and not path.name.startswith(_PREFIX)):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
