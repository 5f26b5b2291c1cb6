"""Older, unversioned paths: answered by the routes that succeeded them, with a notice that they will go."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from urllib.parse import quote

from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEPRECATED_SINCE = date(2025, 11, 2)  # the day the design introduced /api/v1

USES = Counter("legacy_requests", "Requests that still used an older, unversioned path", ["path"])

log = logging.getLogger(__name__)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class Legacy:
    """Rewrites an older path (or what lies below it) to its successor, so that both answer the same.

    The answer carries `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a `Link` to the successor.
    """

    def __init__(self, app: ASGIApp, *, paths: Mapping[str, str], sunset: date) -> None:
        self.app = app
        self.paths = paths
        self.notice = [
            (b"deprecation", f"@{int(_midnight(DEPRECATED_SINCE).timestamp())}".encode()),
            (b"sunset", format_datetime(_midnight(sunset), usegmt=True).encode()),
        ]

    def _older(self, path: str) -> str | None:
        return next((old for old in self.paths if path == old or path.startswith(old + "/")), None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        older = self._older(scope["path"]) if scope["type"] == "http" else None
        if older is None:
            await self.app(scope, receive, send)
            return
        successor = self.paths[older]
        USES.labels(older).inc()
        log.warning("deprecated path used", extra={"path": older, "successor": successor})
        # In place: the metrics, further out, read the matched route from this same scope.
        scope["path"] = successor + scope["path"].removeprefix(older)
        scope["raw_path"] = quote(scope["path"]).encode()  # escaped anew: whatever was asked, it stays one link
        link = (b"link", b"<" + scope["raw_path"] + b'>; rel="successor-version"')

        async def send_with_notice(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self.notice, link]
            await send(message)

        await self.app(scope, receive, send_with_notice)
