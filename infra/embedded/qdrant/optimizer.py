"""Runs the engine's optimizers on a copy of a shard's files: they build the graphs, and drop what was deleted.

The engine holds the interpreter while they run, 12 s for 100,000 points, so this is a process of its own; the node
starts it as `python -m infra.embedded.qdrant.optimizer FROM TO`. It says READY, copies once it gets a line, says
COPIED, and ends when the copy is optimized.
"""

import os
import shutil
import sys
from pathlib import Path

from qdrant_edge import EdgeShard

from infra.embedded.qdrant.engine import warm
from infra.targets.local.launch import die_with_parent

READY = b"ready\n"
COPIED = b"copied\n"
_FILES = ("edge_config.json", "segments", "wal")
_NICE = 10  # building takes both cores, and searches go on meanwhile


def main() -> None:
    """Copy when told to, and optimize."""
    die_with_parent()
    source, target = map(Path, sys.argv[1:])
    _say(READY)
    if not sys.stdin.readline():
        sys.exit("the node is gone")
    _copy(source, target)
    _say(COPIED)
    os.nice(_NICE)
    shard = EdgeShard.load(str(target))
    shard.optimize()
    shard.flush()
    shard.close()
    warm(target)  # the node loads it next, and does nothing else meanwhile


def _copy(source: Path, target: Path) -> None:
    target.mkdir()
    for name in _FILES:
        copy = shutil.copytree if (source / name).is_dir() else shutil.copyfile
        copy(source / name, target / name)


def _say(what: bytes) -> None:
    sys.stdout.buffer.write(what)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
