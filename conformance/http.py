"""One HTTP request and its answer, errors included: a status is never an exception here."""

import http.client
import json
from contextlib import closing
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from conformance.check import NonconformingError

TIMEOUT_S = 30.0
SHOWN = 160  # characters of a body


@dataclass(frozen=True)
class Answer:
    """What a server answered to `asked`, a method with its path."""

    asked: str
    status: int
    headers: Message = field(repr=False)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON; raises NonconformingError where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise NonconformingError(f"{self}: no JSON") from None

    def header(self, name: str) -> str:
        """The header of that name; raises NonconformingError where it is missing."""
        value = self.headers.get(name)
        if value is None:
            raise NonconformingError(f"{self}: no header {name}")
        return str(value)

    def __str__(self) -> str:
        text = self.body[:SHOWN].decode(errors="replace")
        return f"{self.asked}: {self.status} {text}".rstrip()


def ask(
    url: str,
    method: str,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    body: object = None,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """The answer to one request on a connection of its own; raises NonconformingError where there is none.

    Args:
        body: sent as JSON, or as it is if it is bytes.
        timeout_s: the longest silence.
    """
    host = urlsplit(url)
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = {} if content is None else {"Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(host.hostname or "", host.port, timeout=timeout_s)) as connection:
        try:
            connection.request(method, path, content, given | (headers or {}))
            response = connection.getresponse()
            return Answer(f"{method} {path}", response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise NonconformingError(f"{method} {url}{path}: no answer: {error!r}") from None
