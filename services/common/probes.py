"""Independent looks at a dependency, each on a connection of its own: was a breaker right to open?

Each asks for the kind of work that its breaker guards, as a dependency may well be alive and yet fail at it.
Raises whatever goes wrong; the caller bounds the time.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
from pydantic import SecretStr

from services.common.http import Http

Probe = Callable[[], Awaitable[object]]
NODE_S = 0.5  # of one of several nodes


async def _ask(http: Http, method: str, url: str, body: Any = None) -> Any:
    async with http.request(method, url, json=body) as response:
        response.raise_for_status()
        return await response.json(content_type=None)


def _exchange(method: str, url: str, body: Any = None) -> Probe:
    async def probe() -> None:
        async with Http() as http:
            await _ask(http, method, url, body)

    return probe


def embedding(url: str, model: str) -> Probe:
    """Embeds a word."""
    return _exchange("POST", f"{url}/api/embed", {"model": model, "input": "probe"})


def generation(url: str, model: str) -> Probe:
    """Generates a token."""
    wanted = {"model": model, "prompt": "probe", "stream": False, "options": {"num_predict": 1}}
    return _exchange("POST", f"{url}/api/generate", wanted)


def service(url: str) -> Probe:
    """Asks another service whether it is alive."""
    return _exchange("GET", f"{url}/health")


def vector_read(urls: Sequence[str]) -> Probe:
    """Reads a point at any node."""
    return _at_any(urls, "scroll", {"limit": 1})


def vector_write(urls: Sequence[str]) -> Probe:
    """Deletes, at any node, a point that does not exist: a write that needs its quorum and changes nothing."""
    return _at_any(urls, "delete?wait=true", {"points": [str(uuid4())]})


def _at_any(urls: Sequence[str], operation: str, body: Any) -> Probe:
    async def at(http: Http, url: str) -> None:
        found = (await _ask(http, "GET", f"{url}/collections"))["result"]["collections"]
        for collection in found[:1]:
            await _ask(http, "POST", f"{url}/collections/{quote(collection['name'])}/points/{operation}", body)

    async def probe() -> None:
        failures: list[Exception] = []
        async with Http(total_s=NODE_S) as http:
            for url in urls:
                try:
                    return await at(http, url)
                except Exception as error:  # noqa: BLE001  # of whatever kind: the next node is asked
                    failures.append(error)
        raise ExceptionGroup("no node serves", failures)

    return probe


def database(url: str, password: SecretStr | None) -> Probe:
    """Runs a statement."""

    async def probe() -> None:
        secret = password.get_secret_value() if password else None
        async with await psycopg.AsyncConnection.connect(url, password=secret) as connection:
            await connection.execute("SELECT 1")

    return probe
