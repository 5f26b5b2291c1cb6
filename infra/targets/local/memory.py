"""The memory of a process."""

from contextlib import suppress

import psutil

MIB = 1024 * 1024


def proportional(process: psutil.Process) -> int:
    """Its resident bytes, what it shares with others counted in parts where that is known; 0 once it has ended."""
    with suppress(psutil.NoSuchProcess):  # as Postgres's children do with each connection
        try:
            return int(process.memory_full_info().pss)
        except psutil.AccessDenied:
            return int(process.memory_info().rss)
    return 0
