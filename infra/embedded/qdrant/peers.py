"""The way to the other nodes: each is known by the one address that it advertises."""

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from infra.embedded.qdrant.register import UnreachableError

RETRY_S = 0.1  # after a refused connection
CLUSTER = "X-Cluster"
"""The header with the cluster that a node belongs to."""


@dataclass(frozen=True)
class Failures:
    """The calls of a peer that have failed since the last one that didn't."""

    count: int
    latest_error: str
    latest_error_timestamp: str


class RefusedError(Exception):
    """A peer answered, with an error."""


class Peers:
    """Calls other nodes, and keeps what went wrong since each was last reached."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.cluster = ""
        self.addresses: dict[int, str] = {}
        self.failures: dict[str, Failures] = {}

    async def ask(self, peer: int, path: str, body: Any = None, *, timeout_s: float, attempts: int = 1) -> Any:
        """The JSON that the peer answers; `body` is JSON, as bytes or to be made of it.

        Raises UnreachableError and RefusedError.
        """
        if peer not in self.addresses:
            raise UnreachableError(f"peer {peer} has no known address")
        return await self.ask_at(self.addresses[peer], path, body, timeout_s=timeout_s, attempts=attempts)

    async def ask_at(self, uri: str, path: str, body: Any = None, *, timeout_s: float, attempts: int = 1) -> Any:
        """As `ask`, of whoever is at the address."""
        sent = body if isinstance(body, bytes) else encode(body)
        status, answer = await self.send("POST", uri, path, sent, timeout_s=timeout_s, attempts=attempts)
        if status != 200:
            raise RefusedError(f"{uri}{path}: {status} {answer[:200].decode(errors='replace')}")
        return orjson.loads(answer)

    async def send(
        self, method: str, uri: str, path: str, body: bytes, *, timeout_s: float, attempts: int = 1
    ) -> tuple[int, bytes]:
        """Status and body of the answer at the address.

        Raises UnreachableError when the last attempt has failed, or the first that gets no answer in time.
        """
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        headers = {"Content-Type": "application/json", CLUSTER: self.cluster}
        failure = ""
        for attempt in range(attempts):
            if attempt:
                await asyncio.sleep(RETRY_S)
            try:
                async with self._session.request(
                    method, f"{uri}{path}", data=body, headers=headers, timeout=timeout
                ) as response:
                    answer = response.status, await response.read()
            except TimeoutError:
                failure = f"no answer within {timeout_s:g} s"
                break
            except (aiohttp.ClientError, OSError) as error:
                failure = _said(error)
                continue
            self.failures.pop(uri, None)
            return answer
        self._note(uri, failure)
        raise UnreachableError(f"{failure}, {urlsplit(uri).netloc}")

    def _note(self, uri: str, failure: str) -> None:
        count = self.failures[uri].count + 1 if uri in self.failures else 1
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self.failures[uri] = Failures(count, failure, now)


def encode(value: Any) -> bytes:
    """JSON as the nodes write it to each other."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def _said(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"tcp connect error: {os.strerror(error.os_error.errno or 0)}"
    return f"connection lost: {str(error) or type(error).__name__}"
