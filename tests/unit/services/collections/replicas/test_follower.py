from services.collections.replicas.follower import KEPT, Follower, Marker
from services.collections.replicas.node import ACTIVE


def active(seen_at: float = 0) -> Follower:
    return Follower(seen_at, ACTIVE)


def test_a_node_that_shows_every_marker_is_behind_by_its_last_delay() -> None:
    node = active()
    node.acknowledged(Marker(1, at=10.0))
    node.shows(1, 10.25)
    assert node.lag(500.0) == 0.25


def test_a_node_is_behind_since_the_oldest_marker_that_it_lacks() -> None:
    node = active()
    for number in (1, 2, 3):
        node.acknowledged(Marker(number, at=10.0 * number))
    assert node.lag(31.0) == 21.0
    node.shows(1, 32.0)
    assert node.lag(33.0) == 13.0
    assert (node.lacks(2), node.lacks(3)) == (True, False)
    node.shows(4, 34.0)  # one that was refused, and yet stayed on this node
    assert node.lag(99.0) == 4.0


def test_a_node_that_is_not_active_is_behind_since_it_was_last_seen_so() -> None:
    node = active()
    node.shows(0, 5.0)
    node.state = "Dead"
    assert node.lag(25.0) == 20.0
    node.acknowledged(Marker(1, at=3.0))
    assert node.lag(25.0) == 22.0


def test_while_no_write_is_acknowledged_nobody_falls_behind() -> None:
    node = active()
    node.shows(0, 1.0)
    assert node.lag(1000.0) == 0.0


def test_a_long_absence_takes_no_more_memory() -> None:
    node = active()
    for number in range(KEPT + 10):
        node.acknowledged(Marker(number, at=number))
    assert len(node.pending) == KEPT
    assert node.lag(KEPT + 10) == KEPT + 10
