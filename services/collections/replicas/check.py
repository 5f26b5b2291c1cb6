"""Compares what the replicas of a collection hold, point by point.

The nodes are read side by side in the order of the ids, so that one page of each is held at a time. What differs is
looked at again after a pause: a write on its way is no difference, one that was refused and stayed on a node is.
"""

import asyncio
import time
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass

from services.collections.replicas.difference import Difference, Digest, digest, order
from services.collections.replicas.metrics import CHECKED, INCONSISTENT
from services.collections.replicas.node import Held, Id, Node
from services.collections.replicas.reading import PAGE, Reading, Replica
from services.common.errors import NotFoundError
from services.common.qdrant import Qdrant

SETTLE_S = 1.0  # before the second look; a write takes milliseconds
AGAIN_S = 0.5  # between two checks while waiting for equal replicas


@dataclass(frozen=True)
class Comparison:
    """What a check found."""

    collection: str
    replicas: Sequence[Replica]
    differences: Sequence[Difference]
    seconds: float

    @property
    def consistent(self) -> bool | None:
        """Whether all replicas hold the same; None where no two differ but not all could be compared."""
        if self.differences:
            return False
        return None if self.problem else True

    @property
    def problem(self) -> str | None:
        """Why not all could be compared."""
        return "; ".join(replica.problem for replica in self.replicas if replica.problem) or None


async def converge(nodes: Sequence[Node], collection: str, within_s: float) -> Comparison:
    """Check until the replicas are equal, and no more after `within_s` seconds; the last check's outcome."""
    end = time.monotonic() + within_s
    while True:
        found = await check(nodes, collection)
        if found.consistent or time.monotonic() + AGAIN_S > end:
            return found
        await asyncio.sleep(AGAIN_S)


async def check_all(nodes: Sequence[Node], qdrant: Qdrant, *, pause_s: float = 0) -> list[Comparison]:
    """Check every collection of the cluster, one after the other; raises QdrantUnavailableError."""
    found = []
    for name in sorted(await qdrant.list_collections()):
        with suppress(NotFoundError):  # deleted meanwhile
            found.append(await check(nodes, name, pause_s=pause_s))
    return found


async def check(nodes: Sequence[Node], collection: str, *, pause_s: float = 0) -> Comparison:
    """Compare all nodes' replicas, pausing so long between two pages; NotFoundError where no node has the collection.

    A difference is what both looks found, with the same contents; a point that changed meanwhile is being written.
    """
    started = time.monotonic()
    reading = Reading(nodes, collection)
    await reading.keep_active()
    if reading.unknown == len(nodes):
        raise NotFoundError(f"no vector node knows a collection {collection!r}")
    first = await _first_look(reading, pause_s)
    second = await _second_look(reading, list(first))
    await reading.keep_active()
    differences = [
        Difference(one, path, _at(held, reading.names), len(nodes))
        for one, (path, held) in sorted(second.items(), key=lambda item: order(item[0]))
        if _differ(_at(held, reading.names)) and _at(held, reading.names) == _at(first[one], reading.names)
    ]
    found = Comparison(collection, [*reading.replicas.values()], differences, round(time.monotonic() - started, 3))
    _measure(found)
    return found


Digests = dict[str, Digest]
"""By node."""


async def _first_look(reading: Reading, pause_s: float) -> dict[Id, Digests]:
    """The points that differ."""
    found = {}
    async for contents in reading.ranges(pause_s):
        for one, held in contents.items():
            for name in held:
                reading.replicas[name].points += 1
            if _differ(digests := held_by(held, reading.names)):
                found[one] = digests
    return found


async def _second_look(reading: Reading, ids: Sequence[Id]) -> dict[Id, tuple[str | None, Digests]]:
    """The points as they are after a while, each with the path of its document."""
    if ids:
        await asyncio.sleep(SETTLE_S)
    found = {}
    for start in range(0, len(ids), PAGE):
        for one, held in (await reading.points(ids[start : start + PAGE])).items():
            path = next((str(point.payload["path"]) for point in held.values() if "path" in point.payload), None)
            found[one] = (path, held_by(held, reading.names))
    return found


def held_by(held: dict[str, Held], names: Sequence[str]) -> Digests:
    """What tells the nodes' contents of a point apart."""
    return {name: digest(held.get(name)) for name in names}


def _at(digests: Digests, names: Container[str]) -> Digests:
    return {name: value for name, value in digests.items() if name in names}


def _differ(digests: Digests) -> bool:
    return len(set(digests.values())) > 1


def _measure(found: Comparison) -> None:
    if found.consistent is not None:
        INCONSISTENT.labels(found.collection).set(len(found.differences))
        CHECKED.labels(found.collection).set_to_current_time()
