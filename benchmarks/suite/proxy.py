"""What it costs that every edge of a stack has a proxy in it."""

from collections.abc import Iterator
from functools import partial
from itertools import cycle

from benchmarks.benchmark import Bench, benchmark
from benchmarks.client import Caller, again_and_again, closed_loop
from benchmarks.figures import Figure, ratio
from benchmarks.searches import remembered, repeated
from chaos.toxiproxy import HOST

CLIENTS = 16
ASKED = 200


@benchmark(stack="proxied")
def proxy(bench: Bench) -> Iterator[Figure]:
    """Toxiproxy's own cost: cached searches at the query service through the gateway's edge, and past it."""
    stack = bench.stack
    remembered(stack, stack.address("kong"))
    doors = {"with": f"{HOST}:{stack.edge('kong->query').listen}", "without": stack.address("query")}
    asks = {name: repeated(stack, door) for name, door in doors.items()}
    with Caller(doors["with"]) as through, Caller(doors["without"]) as past:
        streams = {name: cycle(each) for name, each in asks.items()}
        measures = {
            "with": lambda: through.ask(next(streams["with"])),
            "without": lambda: past.ask(next(streams["without"])),
        }
        took = bench.in_turn(measures, rounds=ASKED)
    rates = bench.in_turn({name: partial(_rate, bench, door, asks[name]) for name, door in doors.items()})
    added = tuple((a - b) * 1e6 for a, b in zip(took["with"], took["without"], strict=True))
    yield Figure("added to a search, one client", "µs", added, "lower")
    yield ratio("searches/s with / without, 16 clients", rates["with"], rates["without"], better="higher")


def _rate(bench: Bench, door: str, asks: list[bytes]) -> float:
    return closed_loop(door, again_and_again(asks), clients=CLIENTS, seconds=bench.effort.seconds).rate
