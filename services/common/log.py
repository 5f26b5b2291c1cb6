"""Structured logs: one JSON object a line on stdout, with the request id of the moment."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TextIO

import orjson

from services.common.middleware.request_id import request_id

LINGER_S = 0.05

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """Renders a record's message as `event` and whatever was passed in `extra` as further keys."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self.service,
            "request_id": request_id.get(),
            "event": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:  # a lone surrogate, as in a file's name that is no UTF-8; a number beyond 64 bits
            return json.dumps(line, default=str, skipkeys=True)


class InLots(logging.Handler):
    """Writes what was logged within LINGER_S at once: a write a line costs more than the line, also for who reads it.

    A warning does not wait, nor does what was logged before it, nor does the end of the process. What a `kill -9` takes
    along are lines below a warning of the last LINGER_S.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: list[str] = []
        self._some = Event()
        Thread(target=self._keep_writing, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(self.format(record) + "\n")
        except Exception:  # noqa: BLE001  # whatever is wrong with a line must not harm who logs it
            self.handleError(record)
        if record.levelno >= logging.WARNING:
            self.flush()
        elif len(self._lines) == 1:
            self._some.set()

    def flush(self) -> None:
        with self.lock:  # type: ignore[union-attr]  # it is None for a handler without one only
            lines, self._lines = self._lines, []
            if lines:
                self._stream.write("".join(lines))
                self._stream.flush()

    def _keep_writing(self) -> None:
        while True:
            self._some.wait()
            time.sleep(LINGER_S)
            self._some.clear()
            self.flush()


def configure(service: str, level: str, *, in_lots: bool = True) -> None:
    """Send every logger of the process to stdout as JSON; `in_lots` by a thread, which a forked process has not."""
    handler = InLots(sys.stdout) if in_lots else logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # The pool warns at every attempt to connect; `Database` reports each loss and each return once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
