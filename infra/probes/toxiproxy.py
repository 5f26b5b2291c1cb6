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
        if there is None or there["listen"] != proxy["listen"]:
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


def repair(url: str, wanted: Iterable[Proxy]) -> None:
    """Have those proxies, no others, and no toxics; connections over what is right already stay. Raises SilentError."""
    wanted = list(wanted)
    for name in read(url).keys() - {proxy["name"] for proxy in wanted}:
        ask(f"{url}/proxies/{quote(name, safe='')}", method="DELETE")
    ask(f"{url}/populate", method="POST", body=wanted)
    ask(f"{url}/reset", method="POST")
