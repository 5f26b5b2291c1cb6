import argparse

import pytest

from infra.commands import cluster as command
from infra.qdrant.steps import SwitchError
from tests.unit.infra.qdrant.fake import Cluster


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    cluster.create("docs", {1: "a", 2: "b"})
    monkeypatch.setattr(command, "_of_stack", lambda _: cluster.nodes)
    return cluster


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stack", default="local")
    command.arguments(parser)
    return command.run(parser.parse_args(words))


def test_nodes_collections_and_whether_all_agree_are_shown(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    shown = capsys.readouterr().out
    assert "qdrant-1  http://fake  peer 2  member" in shown
    assert "3/2" in shown
    assert shown.count("Active 2") == 3
    assert "all nodes agree" in shown
    cluster.silent = {3}
    assert run() == 1
    assert "qdrant-2  does not answer" in (shown := capsys.readouterr().out)
    assert "1 of 3 members do not answer" in shown


def test_the_switch_to_one_node_tells_its_steps_and_then_shows_it(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("single", "--leave") == 0
    shown = capsys.readouterr().out
    assert "docs: qdrant-2 has given up its replica" in shown
    assert "qdrant-2  http://fake  peer 3  outside of the cluster" in shown
    assert cluster.document.peers.keys() == {1}


def test_a_node_that_there_is_not_cannot_be_kept(cluster: Cluster) -> None:
    with pytest.raises(
        SwitchError, match="there is no node 'qdrant-7' to keep; there are qdrant-0, qdrant-1, qdrant-2"
    ):
        run("single", "--keep", "qdrant-7")
    assert cluster.changes == 0


def test_everywhere_is_where_it_was_before(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    run("single")
    assert "passes on" in capsys.readouterr().out
    assert run("replicate") == 0
    assert cluster.one("docs").active == [1, 2, 3]


def test_a_cluster_of_which_no_node_answers_is_told(cluster: Cluster) -> None:
    cluster.silent = {1, 2, 3}
    with pytest.raises(SwitchError, match="no node answers: qdrant-0 does not answer"):
        run()


def test_nodes_can_be_given_by_their_addresses() -> None:
    with pytest.raises(SwitchError, match=r"no node answers: qdrant-0 does not answer at http://127.0.0.1:1"):
        run("--url", "http://127.0.0.1:1/")
