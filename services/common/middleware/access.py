"""Around each request: its metrics, its log line, and an answer where the code below failed to give one."""

import logging
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common.errors import InternalError
from services.common.middleware.metrics import observe

CLIENT_GONE = 499  # nginx's status for a client that hung up
_QUIET = frozenset({"/health", "/ready", "/metrics"})

log = logging.getLogger(__name__)


class Access:
    """Measures a request from its arrival to its last byte."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, path, status = perf_counter(), scope["path"], CLIENT_GONE

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except ClientDisconnect:
            status = CLIENT_GONE
        except Exception:
            log.exception("request failed unexpectedly", extra={"path": path})
            if status != CLIENT_GONE:
                raise  # the answer has begun: the server has to cut the connection
            await InternalError("unexpected error, see the log").response()(scope, receive, send_and_note)
        finally:
            seconds = perf_counter() - started
            observe(scope, status, seconds)
            level = logging.DEBUG if path in _QUIET else logging.INFO
            if log.isEnabledFor(level):
                fields = {"method": scope["method"], "path": path, "status": status, "ms": round(seconds * 1000, 2)}
                log.log(level, "request", extra=fields)
