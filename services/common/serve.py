"""Runs a service: settings from the environment, JSON logs, uvicorn on uvloop and httptools."""

import gc
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import uvicorn
from fastapi import FastAPI

from services.common import log
from services.common.processes import Processes
from services.common.settings import ServiceSettings, load
from services.common.siblings import Family, Siblings

DRAIN_S = 3  # what a request under way may still take after SIGTERM
KEEP_ALIVE_S = (
    75  # longer than any caller keeps an idle connection (aiohttp 15 s, Kong 60 s), so that none is reused as it closes
)

S = TypeVar("S", bound=ServiceSettings)


def serve(name: str, settings_type: type[S], build: Callable[[S], FastAPI]) -> None:
    """Serve until SIGTERM, then let the requests under way end; exits with status 2 on wrong settings."""
    settings = load(settings_type)

    def one(family: Family, sockets: Sequence[socket.socket] | None) -> None:
        log.configure(name, settings.log_level)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # uvicorn raises it anew at its end: the log comes first
        Siblings.family = family
        app = build(settings)
        gc.freeze()  # what is there by now stays: a full collection need not look through it, for 30 ms at a time
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http="httptools",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # nobody asks for the caller's address
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
        )
        server = uvicorn.Server(config)
        with suppress(KeyboardInterrupt):
            server.run(list(sockets) if sockets else None)
        if not server.started:
            sys.exit(1)

    if settings.processes == 1:
        one(Family(), None)
    else:
        log.configure(name, settings.log_level, in_lots=False)
        Processes(settings.host, settings.port, settings.processes, one).run()
