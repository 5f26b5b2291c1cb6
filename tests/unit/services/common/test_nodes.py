import pytest

from services.common.nodes import Nodes
from tests.servers import Clock

A, B, C = "http://a", "http://b", "http://c"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_readers_go_round_the_nodes(clock: Clock) -> None:
    nodes = Nodes([A, B, C], rotate=True, clock=clock)
    assert [list(nodes.candidates()) for _ in range(4)] == [[A, B, C], [B, C, A], [C, A, B], [A, B, C]]


def test_writers_begin_with_the_first_node_every_time(clock: Clock) -> None:
    nodes = Nodes([A, B, C], rotate=False, clock=clock)
    assert [list(nodes.candidates()) for _ in range(2)] == [[A, B, C], [A, B, C]]


def test_a_failed_node_is_the_last_resort_for_a_second(clock: Clock) -> None:
    nodes = Nodes([A, B, C], rotate=False, clock=clock)
    nodes.failed(A)
    assert list(nodes.candidates()) == [B, C, A]
    clock.now += 0.99
    assert list(nodes.candidates()) == [B, C, A]
    clock.now += 0.01
    assert list(nodes.candidates()) == [A, B, C]


def test_only_one_call_tries_a_node_that_is_due(clock: Clock) -> None:
    nodes = Nodes([A, B], rotate=False, clock=clock)
    nodes.failed(A)
    clock.now += 1
    assert next(nodes.candidates()) == A
    assert list(nodes.candidates()) == [B, A]


def test_the_nodes_that_are_left_share_a_lost_ones_turns(clock: Clock) -> None:
    nodes = Nodes([A, B, C], rotate=True, clock=clock)
    nodes.failed(A)
    first = [next(nodes.candidates()) for _ in range(6)]
    assert first.count(B) == first.count(C) == 3


def test_a_node_whose_trial_never_told_is_tried_again(clock: Clock) -> None:
    nodes = Nodes([A, B], rotate=False, clock=clock)
    nodes.failed(A)
    clock.now += 1
    next(nodes.candidates())
    clock.now += 4
    assert next(nodes.candidates()) == A


@pytest.mark.parametrize(("failures", "skipped_s"), [(1, 1), (2, 2), (3, 4), (4, 4), (2000, 4)])
def test_the_pause_doubles_up_to_four_seconds(clock: Clock, failures: int, skipped_s: float) -> None:
    nodes = Nodes([A, B], rotate=False, clock=clock)
    for _ in range(failures):
        nodes.failed(A)
    clock.now += skipped_s - 0.01
    assert next(nodes.candidates()) == B
    clock.now += 0.01
    assert next(nodes.candidates()) == A


def test_a_node_that_answers_is_healthy_at_once_and_its_pause_starts_afresh(clock: Clock) -> None:
    nodes = Nodes([A, B], rotate=False, clock=clock)
    for _ in range(3):
        nodes.failed(A)
    nodes.answered(A)
    assert list(nodes.candidates()) == [A, B]
    nodes.failed(A)
    clock.now += 1
    assert next(nodes.candidates()) == A


def test_when_all_failed_the_one_due_first_is_tried_first_and_none_is_left_out(clock: Clock) -> None:
    nodes = Nodes([A, B, C], rotate=True, clock=clock)
    for url in (B, C, A):
        nodes.failed(url)
        clock.now += 0.1
    assert list(nodes.candidates()) == [B, C, A]


def test_of_several_nodes_that_are_due_a_call_risks_only_one(clock: Clock) -> None:
    nodes = Nodes([A, B, C], rotate=False, clock=clock)
    nodes.failed(A)
    nodes.failed(B)
    clock.now += 1
    assert list(nodes.candidates()) == [A, C, B]
    assert list(nodes.candidates()) == [B, C, A]


def test_a_loss_and_a_return_are_logged_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="services.common.nodes")
    nodes = Nodes([A], rotate=False, clock=clock)
    nodes.failed(A)
    nodes.failed(A)
    nodes.answered(A)
    nodes.answered(A)
    assert [(r.levelname, r.message) for r in caplog.records] == [("WARNING", "node skipped"), ("INFO", "node is back")]
    assert vars(caplog.records[1])["failures"] == 2
