import pytest

from services.collections.replicas import repair as module
from services.collections.replicas.repair import repair
from services.collections.replicas.report import repair_report
from tests.unit.services.collections.replicas.fakes import FakeNode, FakeStore, changed, held, nodes_with

POINTS = [held(number) for number in range(5)]


@pytest.fixture(autouse=True)
def batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)


@pytest.fixture
def nodes() -> list[FakeNode]:
    """One lacks a point, one has one more, one holds an older content."""
    nodes = nodes_with(*POINTS)
    del nodes[0].replica[0]
    nodes[1].put(held(9))
    nodes[2].put(changed(POINTS[4], "older"))
    return nodes


async def test_the_majoritys_content_is_written_and_what_one_node_holds_alone_deleted(nodes: list[FakeNode]) -> None:
    store = FakeStore(nodes, refusals=2)
    done = repair_report(await repair(nodes, store, "docs"))
    assert (done.written, done.deleted, done.failed, done.consistent) == (2, 1, 0, True)
    assert done.documents == ["0.md", "4.md", "9.md"]
    assert [node.replica for node in nodes] == [{point.id: point for point in POINTS}] * 3
    again = repair_report(await repair(nodes, store, "docs"))
    assert (again.written, again.deleted, again.consistent) == (0, 0, True)
    assert store.writes == ["upsert", "delete"]


async def test_writes_that_are_not_acknowledged_in_time_are_told(
    nodes: list[FakeNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    done = repair_report(await repair(nodes, FakeStore(nodes, refusals=1000), "docs"))
    assert (done.failed, done.written, done.consistent) == (3, 0, False)
    assert done.problem == "no vector node answered"


async def test_undecided_points_are_left_and_their_documents_named() -> None:
    nodes = nodes_with(*POINTS)
    nodes[0].put(changed(POINTS[2], "one"))
    nodes[1].put(changed(POINTS[2], "two"))
    store = FakeStore(nodes)
    done = repair_report(await repair(nodes, store, "docs"))
    assert store.writes == []
    assert (done.after.undecided, done.after.undecided_documents, done.consistent) == (1, ["2.md"], False)


async def test_what_others_write_meanwhile_is_left_alone(nodes: list[FakeNode]) -> None:
    def write(method: str) -> None:
        if method == "points":  # the second look, and then the one before the repair
            looks.append(method)
            if len(looks) == 2:
                for node in nodes:
                    node.put(held(0, "new"))

    looks: list[str] = []
    nodes[0].asked.append(write)
    done = repair_report(await repair(nodes, FakeStore(nodes), "docs"))
    assert (done.changed, done.written, done.consistent) == (1, 1, True)
    assert nodes[0].replica[0] == held(0, "new")


async def test_a_node_that_falls_silent_before_the_repair_stops_it(nodes: list[FakeNode]) -> None:
    def fall_silent(method: str) -> None:
        if method == "state" and len(nodes[1].asked) == 1 and nodes[1].replica:
            states.append(method)
            if len(states) == 2:
                nodes[1].fails("points")

    states: list[str] = []
    nodes[1].asked.append(fall_silent)
    store = FakeStore(nodes)
    done = repair_report(await repair(nodes, store, "docs"))
    assert (done.changed, store.writes) == (3, [])
