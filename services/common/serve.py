"""Runs a service: settings from the environment, JSON logs, uvicorn on uvloop and httptools."""

from collections.abc import Callable
from typing import TypeVar

import uvicorn
from fastapi import FastAPI

from services.common import log
from services.common.settings import ServiceSettings, load

DRAIN_S = 3  # what a request under way may still take after SIGTERM
KEEP_ALIVE_S = (
    75  # longer than any caller keeps an idle connection (aiohttp 15 s, Kong 60 s), so that none is reused as it closes
)

S = TypeVar("S", bound=ServiceSettings)


def serve(name: str, settings_type: type[S], build: Callable[[S], FastAPI]) -> None:
    """Serve until SIGTERM, then let the requests under way end; exits with status 2 on wrong settings."""
    settings = load(settings_type)
    log.configure(name, settings.log_level)
    uvicorn.run(
        build(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )
