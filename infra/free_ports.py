"""Where a whole stack's ports are free."""

import random
import socket

from infra.topology import topology

HIGHEST_PORT = 32767  # Linux hands out the ports above it to clients


def free_offset() -> int:
    """An offset at which every port of the topology is free at this moment; raises RuntimeError where none is."""
    offsets = list(range(100, HIGHEST_PORT - max(_ports(0)), 100))
    random.shuffle(offsets)
    for offset in offsets:
        if all(map(_is_free, _ports(offset))):
            return offset
    raise RuntimeError("no free range of ports")


def _ports(offset: int) -> set[int]:
    shape = topology(offset, candidates=True)
    return {p.host for c in shape.components for p in c.ports} | {e.listen for e in shape.edges}


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
