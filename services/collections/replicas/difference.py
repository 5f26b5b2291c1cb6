"""What replicas hold of one point, and who is right: the majority, for an acknowledged write is on most of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import orjson

from services.collections.replicas.node import Held, Id

Digest = str | None
"""What tells the content of a point from any other; None where there is no such point."""

Fault = Literal["missing", "extra", "different", "undecided"]


def digest(point: Held | None) -> Digest:
    """The same for the same payload and vector; the order of a payload's keys is no difference."""
    if point is None:
        return None
    content = orjson.dumps((point.payload, point.vector), option=orjson.OPT_SORT_KEYS)
    return blake2b(content, digest_size=8).hexdigest()


def order(point: Id) -> tuple[bool, Id]:
    """Sorts ids as a vector node does: numbers before UUIDs."""
    return isinstance(point, str), point


@dataclass(frozen=True)
class Difference:
    """A point that is not the same on all nodes that were compared.

    Args:
        path: of the document that it belongs to, as far as a node says.
        held: by node, what it holds.
        replicas: how many nodes should hold it, those that could not be compared included.
    """

    id: Id
    path: str | None
    held: Mapping[str, Digest]
    replicas: int

    @property
    def decided(self) -> bool:
        """Whether more than half of all replicas hold the same."""
        return self._most[1] * 2 > self.replicas

    @property
    def truth(self) -> Digest:
        """What the majority holds, where there is one; None: the point should not be."""
        return self._most[0]

    @property
    def _most(self) -> tuple[Digest, int]:
        return Counter(self.held.values()).most_common(1)[0]

    @property
    def faults(self) -> dict[str, Fault]:
        """What is wrong at which node; without a majority, at every one."""
        if not self.decided:
            return dict.fromkeys(self.held, "undecided")
        return {node: _fault(held, self.truth) for node, held in self.held.items() if held != self.truth}


def _fault(held: Digest, truth: Digest) -> Fault:
    if held is None:
        return "missing"
    return "extra" if truth is None else "different"
