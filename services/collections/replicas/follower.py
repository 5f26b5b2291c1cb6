"""One node as it follows the markers: pure data. Times are seconds of one clock."""

from collections import deque
from dataclasses import dataclass, field

from services.collections.replicas.node import ACTIVE

KEPT = 3600  # markers that the node has not shown; the oldest tells since when it is behind


@dataclass(frozen=True)
class Marker:
    """An acknowledged write."""

    number: int
    at: float


@dataclass
class Follower:
    """What is known of the node; `seen_at` is when it was last seen to be Active."""

    seen_at: float
    state: str = "unknown"
    delay: float = 0.0
    """From the acknowledgement of the marker that it shows to the moment when it was seen to show it."""
    pending: deque[Marker] = field(default_factory=deque)
    """The acknowledged markers that it has not shown, the oldest first."""

    def acknowledged(self, marker: Marker) -> None:
        """The cluster has the marker: the node should show it from now on."""
        if len(self.pending) < KEPT:
            self.pending.append(marker)

    def lacks(self, number: int) -> bool:
        """Whether the node is behind if that is the number that it shows."""
        return bool(self.pending) and self.pending[-1].number > number

    def shows(self, number: int, now: float) -> None:
        """The node is Active, and its own replica shows that number."""
        self.seen_at = now
        while self.pending and self.pending[0].number <= number:
            self.delay = now - self.pending.popleft().at

    def lag(self, now: float) -> float:
        """For how long it has lacked an acknowledged marker, or has not been seen Active; else its delay."""
        since = [self.pending[0].at] if self.pending else []
        if self.state != ACTIVE:
            since.append(self.seen_at)
        return now - min(since) if since else self.delay
