"""Toxiproxy's proxies against the edges: one each, that listens, leads to the right place and carries no fault."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from infra.drift.drift import ABSENT, Drift
from infra.probes.http import ask

COMPONENT = "toxiproxy"

Proxy = Mapping[str, Any]


def read(url: str) -> dict[str, Proxy]:
    """The proxies by name; raises SilentError."""
    proxies: dict[str, Proxy] = ask(f"{url}/proxies")
    return proxies


def compare(wanted: Iterable[Proxy], found: Mapping[str, Proxy]) -> Iterator[Drift]:
    """Where the proxies differ."""
    by_name = {proxy["name"]: proxy for proxy in wanted}
    for name, proxy in by_name.items():
        there = found.get(name)
        if there is None or _listens(there) != _listens(proxy):
            listens = ABSENT if there is None else f"listens on {there['listen']}"
            yield Drift(COMPONENT, "proxy missing", name, f"listens on {proxy['listen']}", listens)
            continue
        if there["upstream"] != proxy["upstream"]:
            yield Drift(COMPONENT, "upstream", name, proxy["upstream"], there["upstream"])
        if not there["enabled"]:
            yield Drift(COMPONENT, "proxy disabled", name, "enabled", "disabled")
        for toxic in there["toxics"]:
            said = f"{toxic['type']} {toxic['stream']} {toxic['attributes']}"
            yield Drift(COMPONENT, "toxic", f"{name} {toxic['name']}", "none", said)
    for name in found.keys() - by_name.keys():
        yield Drift(COMPONENT, "proxy extra", name, ABSENT, f"listens on {found[name]['listen']}")


def _listens(proxy: Proxy) -> str:
    """Where it listens; every interface is told as IPv6's."""
    return str(proxy["listen"]).replace("0.0.0.0:", "[::]:")


def repair(url: str, wanted: Iterable[Proxy]) -> None:
    """Have those proxies, no others, and no toxics; connections over what is right already stay. Raises SilentError."""
    by_name, found = {proxy["name"]: proxy for proxy in wanted}, read(url)
    for name in found.keys() - by_name.keys():
        ask(f"{url}/proxies/{quote(name, safe='')}", method="DELETE")
    ask(f"{url}/populate", method="POST", body=[by_name[name] for name in _misled(by_name, found)])
    ask(f"{url}/reset", method="POST")


def _misled(wanted: Mapping[str, Proxy], found: Mapping[str, Proxy]) -> list[str]:
    """Those that are not there, or listen or lead elsewhere."""

    def right(name: str) -> bool:
        one, other = wanted[name], found.get(name)
        return other is not None and (_listens(one), one["upstream"]) == (_listens(other), other["upstream"])

    return [name for name in wanted if not right(name)]
