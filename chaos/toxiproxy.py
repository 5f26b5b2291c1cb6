"""Toxiproxy's API with types, timeouts and errors of our own; what was written is read back.

The package `toxiproxy` keeps one server address for the whole process, waits for an answer without limit, and takes a
status of 500 for a success: its requests are made here, one at a time, each with address and timeout.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import quote

from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

HOST = "127.0.0.1"
TIMEOUT_S = 5.0
DIRECT = {"http": "", "all": ""}  # whatever HTTP_PROXY says: this is on the same machine

Direction = Literal["upstream", "downstream"]


class ToxiproxyError(RuntimeError):
    """Toxiproxy does not answer, refuses, or does not hold what was written; the message says which."""


@dataclass(frozen=True)
class Toxic:
    """One toxic of a proxy. The attributes' units are Toxiproxy's: ms, KB/s, bytes, and µs for a slicer's delay."""

    name: str
    type: str
    stream: Direction
    attributes: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.type} {self.stream} {dict(self.attributes)}"


@dataclass(frozen=True)
class Proxy:
    """A proxy as Toxiproxy has it."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[Toxic, ...]

    def toxic(self, name: str) -> Toxic | None:
        """The toxic of that name."""
        return next((toxic for toxic in self.toxics if toxic.name == name), None)


class _Send(Protocol):
    def __call__(self, url: str, **keywords: Any) -> Any: ...


_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Toxiproxy:
    """The server whose API listens on this port of the machine. Every method raises ToxiproxyError."""

    port: int

    def proxy(self, name: str) -> Proxy:
        """The proxy of that name."""
        return _proxy(self._ask(APIConsumer.get, _path(name)).json())

    def put_toxic(self, proxy: str, toxic: Toxic) -> None:
        """Have `proxy` carry `toxic`, in place of another of that name; does nothing if it does already."""
        there = self.proxy(proxy).toxic(toxic.name)
        if there == toxic:
            return
        if there is not None:
            self.remove_toxic(proxy, toxic.name)
        document = {"name": toxic.name, "type": toxic.type, "stream": toxic.stream, "toxicity": 1.0}
        self._ask(APIConsumer.post, f"{_path(proxy)}/toxics", json={**document, "attributes": dict(toxic.attributes)})
        there = self.proxy(proxy).toxic(toxic.name)
        if there != toxic:
            raise ToxiproxyError(f"{proxy} was given {toxic} and has {there}")

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Have `proxy` carry no toxic of that name."""
        if self.proxy(proxy).toxic(name) is None:
            return
        self._ask(APIConsumer.delete, f"{_path(proxy)}/toxics/{quote(name, safe='')}", gone_is_fine=True)
        if (there := self.proxy(proxy).toxic(name)) is not None:
            raise ToxiproxyError(f"{proxy} still has {there}")

    def enable(self, proxy: str, enabled: bool) -> None:
        """Have `proxy` listen, or refuse connections and end those that it has."""
        if self.proxy(proxy).enabled != enabled:
            self._change(proxy, enabled=enabled)

    def bounce(self, proxy: str) -> None:
        """End the connections that `proxy` has; it listens before and after."""
        self._change(proxy, enabled=False)
        self._change(proxy, enabled=True)

    def point(self, proxy: str, upstream: str) -> None:
        """Have `proxy` connect to `upstream` (`host:port`); a change ends the connections that it has."""
        if self.proxy(proxy).upstream != upstream:
            self._change(proxy, upstream=upstream)

    def _change(self, proxy: str, **fields: Any) -> None:
        self._ask(APIConsumer.post, _path(proxy), json=fields)
        there = self.proxy(proxy)
        if any(getattr(there, name) != value for name, value in fields.items()):
            raise ToxiproxyError(f"{proxy} was given {fields} and is {there}")

    def _ask(self, send: _Send, path: str, *, gone_is_fine: bool = False, **keywords: Any) -> Any:
        with _one_at_a_time:
            APIConsumer.host, APIConsumer.port = HOST, self.port
            return _answer(lambda: send(path, timeout=TIMEOUT_S, proxies=DIRECT, **keywords), path, gone_is_fine)


def _answer(send: Callable[[], Any], path: str, gone_is_fine: bool) -> Any:
    try:
        answer = send()
    except NotFound as error:
        if gone_is_fine:
            return None
        raise ToxiproxyError(f"Toxiproxy has no {path}: {error}") from None
    except (InvalidToxic, ProxyExists) as error:
        raise ToxiproxyError(f"Toxiproxy refuses {path}: {error}") from None
    except OSError as error:  # which every exception of `requests` is
        raise ToxiproxyError(f"Toxiproxy does not answer: {error}") from None
    if not answer.ok:
        raise ToxiproxyError(f"Toxiproxy answers {path} with status {answer.status_code}: {answer.text}")
    return answer


def _path(proxy: str) -> str:
    return f"/proxies/{quote(proxy, safe='')}"


def _proxy(document: Mapping[str, Any]) -> Proxy:
    toxics = tuple(Toxic(t["name"], t["type"], t["stream"], t["attributes"]) for t in document["toxics"])
    return Proxy(document["name"], document["listen"], document["upstream"], document["enabled"], toxics)
