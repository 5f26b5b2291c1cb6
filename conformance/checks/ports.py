"""What is published listens, on the interfaces that the manifest says, and nothing else of the stack does."""

import json
import socket
from collections.abc import Iterator
from functools import partial

import psutil

from conformance import targets
from conformance.check import Check, NotApplicableError, expect
from conformance.http import ask
from conformance.sample import Sample
from conformance.stack import LOOPBACK, Stack
from infra.manifest import Published

CONNECT_S = 2.0
ANOTHER_LOOPBACK = "127.0.0.2"  # bound with every interface, and not with 127.0.0.1; for machines without a network
EVERY = {"0.0.0.0", "::", ""}  # noqa: S104 - what listens there is what is looked for


def checks(stack: Stack, _sample: Sample) -> Iterator[Check]:
    """For each published port, and for what listens besides."""
    for component in stack.manifest.components:
        for port in component.ports:
            name = next((name for name, number in stack.ports.items() if number == port.host), component.component)
            where = "every interface" if port.address in EVERY else port.address
            yield Check(f"{name} listens on {where}", partial(_listens, stack, port))
    yield Check("nothing else of the stack listens", partial(_nothing_else, stack))


def outside() -> str:
    """An address of this machine that is not 127.0.0.1."""
    found = [
        one.address
        for addresses in psutil.net_if_addrs().values()
        for one in addresses
        if one.family == socket.AF_INET and not one.address.startswith("127.")
    ]
    return found[0] if found else ANOTHER_LOOPBACK


def answers(host: str, port: int) -> bool:
    """Whether something takes connections there."""
    try:
        socket.create_connection((host, port), CONNECT_S).close()
    except OSError:
        return False
    return True


def _listens(stack: Stack, port: Published) -> None:
    private = port.address not in EVERY
    if stack.is_here:
        expect(answers(port.address if private else LOOPBACK, port.host), f"nothing listens on port {port.host}")
    elsewhere = outside() if stack.is_here else stack.host
    reached = answers(elsewhere, port.host)
    expect(reached != private, f"port {port.host} {'can' if reached else 'cannot'} be reached at {elsewhere}")


def _nothing_else(stack: Stack) -> None:
    if not stack.is_here:
        raise NotApplicableError(f"what listens can be seen on {stack.host} itself only; run the checks there")
    wanted = {(one.address, one.host) for component in stack.manifest.components for one in component.ports}
    wanted |= _proxies(stack)
    more = sorted(f"{address}:{port}" for address, port in targets.listening(stack.outputs) - wanted)
    expect(not more, f"these are not in the manifest: {', '.join(more)}")


def _proxies(stack: Stack) -> set[tuple[str, int]]:
    """Where Toxiproxy listens in between; nothing in a stack without it."""
    if "toxiproxy/http" not in stack.ports:
        return set()
    proxies = json.loads(ask(stack.url("toxiproxy"), "GET", "/proxies").body)
    addresses = (proxy["listen"].rpartition(":") for proxy in proxies.values())
    return {(host, int(port)) for host, _, port in addresses}
