"""Compares what two replicas hold: ids and payloads, point by point, also while points are being written.

What differs at first may be a write under way, so only points are said to differ that still do after several looks.
"""

import json
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import islice, repeat
from typing import Any

from infra.qdrant.node import PAGE, Node

LOOKS = 20
PAUSE_S = 0.1  # between two looks

PointId = int | str
Digests = Mapping[PointId, bytes]


def differences(one: Node, other: Node, collection: str) -> set[PointId]:
    """The ids of the points that only one of the nodes has, or whose payloads differ. The vectors are not compared."""
    with ThreadPoolExecutor(2) as pool:
        doubtful = _unequal(*pool.map(_all, (one, other), repeat(collection)))
        for _ in range(LOOKS):
            if not doubtful:
                break
            time.sleep(PAUSE_S)
            doubtful = _unequal(*pool.map(_some, (one, other), repeat(collection), repeat(list(doubtful))))
    return doubtful


def _all(node: Node, collection: str) -> Digests:
    return _digests(point for page in node.pages(collection) for point in page)


def _some(node: Node, collection: str, ids: list[PointId]) -> Digests:
    rest = iter(ids)
    parts = iter(lambda: list(islice(rest, PAGE)), [])
    return _digests(point for part in parts for point in node.points(collection, part))


def _digests(points: Iterable[dict[str, Any]]) -> Digests:
    return {
        point["id"]: blake2b(json.dumps(point["payload"], sort_keys=True).encode(), digest_size=8).digest()
        for point in points
    }


def _unequal(one: Digests, other: Digests) -> set[PointId]:
    return {point for point in one.keys() | other.keys() if one.get(point) != other.get(point)}
