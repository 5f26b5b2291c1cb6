"""The faults that both stacks meet: what fails, for how long, and in which order; drawn by a seed."""

from collections.abc import Mapping
from random import Random
from string import ascii_uppercase
from typing import NamedTuple

from benchmarks.before_after.record import Plan, Slot
from chaos.faults import BlackHole, Down, Fault, Kill, Pause, to_json

LASTS_S = (4.0, 6.0)  # a fault: minutes of a real one, shortened
RESTS_S = 4.0  # after each: time to restart, and for a breaker to close again
RATE = 20  # requests a second: without a cache, two cores have to carry it
RECOVERY_S = 3  # of breakers: the design's 30 s would be most of a schedule whose faults last 5 s

VECTORS, MODEL = "vector node", "model server"


class Failure(NamedTuple):
    """Something that can go wrong in both stacks alike."""

    says: str
    hits: str
    fault: Fault


FAILURES = (
    Failure("the first vector node refuses", VECTORS, Down("query->qdrant-0")),
    Failure("the first vector node hangs", VECTORS, Pause("qdrant-0")),
    Failure("the first vector node is killed and stays away", VECTORS, Kill("qdrant-0", stays_down=True)),
    Failure("the model server refuses", MODEL, Down("query->ollama")),
    Failure("the model server hangs", MODEL, BlackHole("query->ollama")),
    Failure("the database refuses", "database", Down("query->timescaledb")),
    Failure("Redis hangs", "cache", Pause("redis")),
    Failure("the query service is killed, and started again", "query service", Kill("query")),
)
QUICK = (FAILURES[0], FAILURES[4], FAILURES[7])


def schedule(failures: tuple[Failure, ...], seed: int) -> tuple[Slot, ...]:
    """The failures one after the other, in an order and for times that the seed draws."""
    random = Random(seed)  # noqa: S311 - both stacks get the same
    slots, begin = [], 0.0
    for letter, failure in zip(ascii_uppercase, random.sample(failures, len(failures)), strict=False):
        heal = round(begin + random.uniform(*LASTS_S), 1)
        fault = to_json(failure.fault)
        slots.append(Slot(letter, failure.says, failure.hits, fault, begin, heal, round(heal + RESTS_S, 1)))
        begin = slots[-1].end
    return tuple(slots)


def plan(seed: int, *, quick: bool) -> Plan:
    """What is measured: the whole takes about five minutes, `quick` two."""
    if quick:
        return Plan(seed, requests=20, rate=RATE, load_s=5, slots=schedule(QUICK, seed))
    return Plan(seed, requests=100, rate=RATE, load_s=20, slots=schedule(FAILURES, seed))


_SHARED = {"breakerRecoveryS": RECOVERY_S}
STACKS: Mapping[str, Mapping[str, object]] = {
    "before": {"cache": False, "breakersForcedClosed": True, "qdrantNodes": 1, **_SHARED},
    "after": {"cache": True, "breakersForcedClosed": False, "qdrantNodes": 3, **_SHARED},
}
"""The two stacks by their names, with the settings in which they differ from any other stack."""
