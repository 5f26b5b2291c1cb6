"""A request to a component's API."""

import json
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_S = 5.0


class SilentError(RuntimeError):
    """A component does not answer as it should; the message has its words."""


def ask(url: str, *, method: str = "GET", body: object = None, timeout_s: float = TIMEOUT_S) -> Any:
    """The JSON that is answered, None for an empty answer; raises SilentError."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        said = error.read(200).decode(errors="replace").strip()
        raise SilentError(f"{method} {url}: status {error.code}: {said}") from None
    except (OSError, ValueError) as error:
        raise SilentError(f"{method} {url}: {error}") from None
