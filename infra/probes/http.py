"""A request to a component's API."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

TIMEOUT_S = 5.0


class SilentError(RuntimeError):
    """A component does not answer as it should; the message has its words."""


def ask(url: str, *, method: str = "GET", body: object = None, timeout_s: float = TIMEOUT_S) -> Any:
    """The JSON that is answered, None for an empty answer; raises SilentError."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    answered = _answer(request, timeout_s)
    try:
        return json.loads(answered or b"null")
    except ValueError as error:
        raise SilentError(f"{method} {url}: {error}") from None


def read(url: str, *, timeout_s: float = TIMEOUT_S) -> str:
    """The text that is answered; raises SilentError."""
    return _answer(urllib.request.Request(url), timeout_s).decode(errors="replace")


def _answer(request: urllib.request.Request, timeout_s: float) -> bytes:
    asked = f"{request.get_method()} {request.full_url}"
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            told: bytes = answer.read()
            return told
    except urllib.error.HTTPError as error:
        said = error.read(200).decode(errors="replace").strip()
        raise SilentError(f"{asked}: status {error.code}: {said}") from None
    except (OSError, ValueError, HTTPException) as error:
        raise SilentError(f"{asked}: {error}") from None
