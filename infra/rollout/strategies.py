"""How traffic is moved, as data: the steps of each strategy."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from infra.topology import RELEASED

DIRECT = ("migration", "critical-functions", "replicas", "routing")
"""The triggers that need no traffic at the candidate."""

ALL = ("error-rate", "latency", "false-trips", *DIRECT)

BASELINE = "baseline"
"""What a candidate that is idle waits for: traffic of the stable release to compare its own with."""

CANARY = (10, 50, 100)
"""Percent of the traffic: the design's."""


class StrategyError(ValueError):
    """There are no such steps; the message says what there is."""


@dataclass(frozen=True)
class Step:
    """One step of a rollout: where traffic goes, for how long that is watched, and by which triggers."""

    name: str
    weights: Mapping[str, int]  # the candidate's share of each service that has one, in percent; 0: it runs, idle
    bake_s: float
    triggers: tuple[str, ...]


def steps(strategy: str, services: Collection[str], bake_s: float, weights: Sequence[int] = CANARY) -> tuple[Step, ...]:
    """The strategy's steps for these services, each watched for `bake_s` seconds; `weights` are a canary's.

    Before a service's candidate gets traffic it is idle for one step: what can be seen without callers is seen first,
    and the stable release's latency at that time is the baseline once it has no traffic. Raises StrategyError.
    """
    if unknown := set(services) - set(RELEASED):
        raise StrategyError(f"{', '.join(sorted(unknown))!r} has no release; there are {', '.join(RELEASED)}")
    if not services:
        raise StrategyError(f"name a service at least; there are {', '.join(RELEASED)}")
    if bake_s <= 0:
        raise StrategyError(f"a step is watched for more than 0 seconds, not {bake_s:g}")
    if list(weights) != sorted(set(weights)) or not weights or weights[0] < 1 or weights[-1] != 100:
        raise StrategyError(f"a canary's weights rise from 1 or more to 100 percent, unlike {list(weights)}")
    ordered = [service for service in RELEASED if service in services]
    try:
        moves = _MOVES[strategy](ordered, weights)
    except KeyError:
        raise StrategyError(f"no strategy is called {strategy!r}; there are {', '.join(STRATEGIES)}") from None
    return tuple(Step(name, moved, bake_s, _triggers(moved)) for name, moved in moves)


def _triggers(weights: Mapping[str, int]) -> tuple[str, ...]:
    by_traffic = ALL if any(weights.values()) else DIRECT
    return by_traffic if all(weights.values()) else (*by_traffic, BASELINE)


_Move = tuple[str, dict[str, int]]  # a step's name and its weights


def _rolling(services: Sequence[str], _: Sequence[int]) -> list[_Move]:
    """One service after another; those before it stay on the candidate."""
    moves: list[_Move] = []
    done: dict[str, int] = {}
    for service in services:
        moves.append((f"{service} idle", {**done, service: 0}))
        done = {**done, service: 100}
        moves.append((f"{service} 100 %", done))
    return moves


def _blue_green(services: Sequence[str], _: Sequence[int]) -> list[_Move]:
    """All at once; undone at once as well, for the stable release stays until this one is confirmed."""
    return _canary(services, (100,))


def _canary(services: Sequence[str], weights: Sequence[int]) -> list[_Move]:
    """A small part of everything first."""
    return [
        ("idle", dict.fromkeys(services, 0)),
        *((f"{weight} %", dict.fromkeys(services, weight)) for weight in weights),
    ]


_MOVES = {"rolling": _rolling, "blue-green": _blue_green, "canary": _canary}

STRATEGIES = tuple(_MOVES)
