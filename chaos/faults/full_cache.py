"""Full cache: Redis answers reads and refuses every write, for it has no memory left."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import redis

from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.stack import Stack
from chaos.toxiproxy import HOST

FULL = {"maxmemory": "1", "maxmemory-policy": "noeviction"}
"""One byte: whatever Redis holds is more, so that no entry that expires makes room for another."""

PROBE = "chaos:full-cache"
TIMEOUT_S = 2.0


@dataclass(frozen=True)
class FullCache:
    """Has Redis run out of memory, with nothing evicted; healing gives its limit and policy back. No key is written."""

    kind: ClassVar[str] = "full-cache"
    component: str = "redis"

    @property
    def target(self) -> str:
        return self.component

    def describe(self) -> str:
        return f"{self.component} full: it refuses writes"

    def prepare(self, stack: Stack) -> Saved:
        with self._client(stack) as client:
            return _settings(client)

    def inject(self, stack: Stack, saved: Saved) -> None:
        with self._client(stack) as client:
            client.config_set(*(word for item in FULL.items() for word in item))

    def verify(self, stack: Stack, saved: Saved) -> None:
        with self._client(stack) as client:
            try:
                client.set(PROBE, "", px=1)
            except redis.exceptions.OutOfMemoryError:
                return
            raise FaultNotInForceError(f"{self.component} takes writes, with {_settings(client)}")

    def heal(self, stack: Stack, saved: Saved) -> None:
        with self._client(stack) as client:
            if _settings(client) == FULL:  # and it was not started anew, or given other limits, since
                client.config_set(*(word for item in saved.items() for word in item))

    @contextmanager
    def _client(self, stack: Stack) -> Iterator["redis.Redis"]:
        # Past the edges' proxies: it must work whatever is done to those.
        port = stack.port(self.component, "redis")
        with redis.Redis(HOST, port, socket_timeout=TIMEOUT_S, decode_responses=True) as client:
            yield client


def _settings(client: "redis.Redis") -> dict[str, str]:
    return {name: str(client.config_get(name)[name]) for name in FULL}
