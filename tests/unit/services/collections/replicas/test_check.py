from collections.abc import Callable
from dataclasses import replace

import pytest

from services.collections.replicas import reading
from services.collections.replicas.check import check, check_all, converge
from services.collections.replicas.metrics import INCONSISTENT
from services.common.errors import NotFoundError
from tests.unit.services.collections.replicas.fakes import FakeNode, FakeStore, changed, held, nodes_with

POINTS = [held(number) for number in range(7)]


@pytest.fixture(params=[1, 2, 3, 100], autouse=True)
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", request.param)


def once(method: str, do: Callable[[], object]) -> Callable[[str], None]:
    """Does something at the first call of the method."""
    calls = [do]

    def asked(name: str) -> None:
        if name == method and calls:
            calls.pop()()

    return asked


async def test_equal_replicas_are_consistent() -> None:
    found = await check(nodes_with(*POINTS, held("u"), held("t")), "docs")
    assert (found.consistent, found.problem, found.differences) == (True, None, [])
    assert [(replica.state, replica.points) for replica in found.replicas] == [("Active", 9)] * 3


async def test_every_difference_is_found_with_its_document_and_node() -> None:
    nodes = nodes_with(*POINTS)
    del nodes[0].replica[0]
    nodes[1].put(held(99), held("u"))
    nodes[2].put(changed(POINTS[6], "y"), replace(POINTS[3], vector=[0.25, 0.5]))
    found = await check(nodes, "docs")
    assert found.consistent is False
    assert [(one.id, one.path, one.faults) for one in found.differences] == [
        (0, "0.md", {"qdrant-0": "missing"}),
        (3, "3.md", {"qdrant-2": "different"}),
        (6, "6.md", {"qdrant-2": "different"}),
        (99, "99.md", {"qdrant-1": "extra"}),
        ("u", "u.md", {"qdrant-1": "extra"}),
    ]
    assert [replica.points for replica in found.replicas] == [6, 9, 7]
    assert INCONSISTENT.labels("docs")._value.get() == 5


async def test_an_empty_replica_lacks_everything() -> None:
    nodes = nodes_with(*POINTS)
    nodes[1].replica.clear()
    found = await check(nodes, "docs")
    assert [one.faults for one in found.differences] == [{"qdrant-1": "missing"}] * 7


def put_at_all(nodes: list[FakeNode]) -> None:
    for node in nodes:
        node.put(held(7))


async def test_a_write_on_its_way_is_no_difference() -> None:
    nodes = nodes_with(*POINTS)
    nodes[0].put(held(7))
    nodes[1].asked.append(once("points", lambda: put_at_all(nodes)))
    assert (await check(nodes, "docs")).consistent is True


async def test_a_point_that_changes_between_the_looks_is_being_written() -> None:
    nodes = nodes_with(*POINTS)
    nodes[0].put(held(7))
    nodes[0].asked.append(once("points", lambda: nodes[0].put(held(7, "newer"))))
    assert (await check(nodes, "docs")).consistent is True


def is_dead_before(node: FakeNode) -> None:
    node.states[:] = ["Dead"]


def is_dead_after(node: FakeNode) -> None:
    node.states[:] = ["Active", "Dead"]


def falls_silent(node: FakeNode) -> None:
    node.fails("page")


def falls_silent_at_the_second_look(node: FakeNode) -> None:
    node.fails("points")


SILENCES = [is_dead_before, is_dead_after, falls_silent, falls_silent_at_the_second_look, FakeNode.knows_nothing]


@pytest.mark.parametrize("silence", SILENCES)
async def test_a_node_that_cannot_be_compared_is_never_called_equal_nor_different(
    silence: Callable[[FakeNode], None],
) -> None:
    nodes = nodes_with(*POINTS)
    nodes[2].put(held(7))
    silence(nodes[2])
    found = await check(nodes, "docs")
    assert (found.consistent, found.differences) == (None, [])
    assert found.problem is not None
    assert [bool(replica.problem) for replica in found.replicas] == [False, False, True]


async def test_of_two_nodes_that_differ_none_is_right() -> None:
    nodes = nodes_with(*POINTS)
    nodes[0].put(held(7))
    is_dead_before(nodes[2])
    found = await check(nodes, "docs")
    assert (found.consistent, found.problem) == (False, "qdrant-2's replica is Dead")
    assert [one.faults for one in found.differences] == [{"qdrant-0": "undecided", "qdrant-1": "undecided"}]


async def test_without_any_node_nothing_is_known() -> None:
    nodes = nodes_with()
    for node in nodes:
        node.fails("state")
    found = await check(nodes, "docs")
    assert (found.consistent, found.problem) == (None, "qdrant-0 is away; qdrant-1 is away; qdrant-2 is away")


async def test_a_collection_that_no_node_knows_is_not_found() -> None:
    nodes = nodes_with()
    for node in nodes:
        node.knows_nothing()
    with pytest.raises(NotFoundError):
        await check(nodes, "docs")
    assert await check_all(nodes, FakeStore(nodes)) == []


async def test_converging_ends_when_the_replicas_are_equal_or_the_time_is_over() -> None:
    nodes = nodes_with(*POINTS)
    nodes[0].put(held(7))
    assert (await converge(nodes, "docs", 0.03)).consistent is False
    looks: list[str] = []

    def heal(method: str) -> None:
        looks.append(method)
        if looks.count("state") > 4:
            nodes[0].replica.pop(7, None)

    nodes[1].asked.append(heal)
    assert (await converge(nodes, "docs", 5)).consistent is True
