"""Structured logs: one JSON object a line on stdout, with the request id of the moment."""

import json
import logging
import sys
from datetime import UTC, datetime

import orjson

from services.common.middleware.request_id import request_id

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


def configure(service: str, level: str) -> None:
    """Send every logger of the process to stdout as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # The pool warns at every attempt to connect; `Database` reports each loss and each return once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
