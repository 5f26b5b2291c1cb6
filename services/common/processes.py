"""Runs a service as several processes behind one port, so that it can use several cores.

They share the listening socket: whichever is free takes the next connection. One that ends is started again; all of
them end with the process that started them.
"""

import ctypes
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType

from services.common.siblings import HOST, Family

PAUSE_S = 1.0  # before a process that has ended is started again
BACKLOG = 2048  # as uvicorn's
PR_SET_PDEATHSIG = 1  # linux/prctl.h

log = logging.getLogger(__name__)

Serve = Callable[[Family, Sequence[socket.socket]], None]


class Processes:
    """The processes by their pids; `run` returns when they have ended, as they do on SIGTERM."""

    def __init__(self, host: str, port: int, count: int, serve: Serve) -> None:
        self._host, self._port, self._count = host, port, count
        self._serve = serve
        self._running: dict[int, int] = {}  # the index by the pid
        self._ending = False

    def run(self) -> None:
        """Start the processes and keep them running. In each of them this ends as `serve` does."""
        with ExitStack() as opened:
            shared = opened.enter_context(_listening(self._host, self._port))
            own = [opened.enter_context(_listening(HOST, 0)) for _ in range(self._count)]
            ports = tuple(listener.getsockname()[1] for listener in own)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._end)
            for index in range(self._count):
                self._start(Family(ports, index), (shared, own[index]))
            while self._running:
                pid, status = os.wait()
                index = self._running.pop(pid)
                if not self._ending:
                    log.error("a process has ended", extra={"number": index, "status": status})
                    time.sleep(PAUSE_S)
                if not self._ending:
                    self._start(Family(ports, index), (shared, own[index]))

    def _start(self, family: Family, sockets: Sequence[socket.socket]) -> None:
        pid = os.fork()
        if pid:
            self._running[pid] = family.index
            if self._ending:  # the signal came when this one was not known yet
                os.kill(pid, signal.SIGTERM)
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _die_with_parent()
        if not self._ending:
            self._serve(family, sockets)
        sys.exit()

    def _end(self, *_: int | FrameType | None) -> None:
        self._ending = True
        for pid in self._running:
            os.kill(pid, signal.SIGTERM)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def _die_with_parent() -> None:
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        sys.exit()
