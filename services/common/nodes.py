"""Which of several equal nodes to try, and in which order."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

SKIPS_S = (1.0, 2.0, 4.0)  # after the first, the second and every further failure in a row

log = logging.getLogger(__name__)


@dataclass
class _Node:
    url: str
    failures: int = 0
    retry_at: float = 0.0


class Nodes:
    """Orders nodes for each call: those that answered lately, then as a last resort those that failed.

    A failed node is skipped for a second, doubling to four; then one call tries it while the others go on skipping it.
    """

    def __init__(self, urls: Sequence[str], *, rotate: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._nodes = [_Node(url) for url in urls]
        self._by_url = {node.url: node for node in self._nodes}
        self._rotate = rotate
        self._next = -1
        self._clock = clock

    def candidates(self) -> Iterator[str]:
        """Every node once, best first."""
        now = self._clock()
        healthy = self._turn([node for node in self._nodes if not node.failures])
        failed = sorted((node for node in self._nodes if node.failures), key=lambda node: node.retry_at)
        due = [node for node in failed if node.retry_at <= now][:1]
        for node in due:
            node.retry_at = now + SKIPS_S[-1]  # nobody else tries it until this call has told
        yield from (node.url for node in due)
        yield from (node.url for node in healthy)
        yield from (node.url for node in failed if node not in due)

    def _turn(self, nodes: list[_Node]) -> list[_Node]:
        """Each of the nodes first in its turn, so that none takes a lost one's share alone."""
        if not self._rotate or not nodes:
            return nodes
        start = self._next = (self._next + 1) % len(nodes)
        return nodes[start:] + nodes[:start]

    def answered(self, url: str) -> None:
        """The node works."""
        node = self._by_url[url]
        if node.failures:
            log.info("node is back", extra={"node": url, "failures": node.failures})
        node.failures = 0

    def failed(self, url: str) -> None:
        """The node refused, hung or broke."""
        node = self._by_url[url]
        if not node.failures:
            log.warning("node skipped", extra={"node": url})
        node.retry_at = self._clock() + SKIPS_S[min(node.failures, len(SKIPS_S) - 1)]
        node.failures += 1
