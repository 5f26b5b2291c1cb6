"""The rollback of the vector cluster to a single instance, on a stack in use."""

from tests.e2e.conftest import Live, eventually
from tests.e2e.test_failures import searching


def switched(live: Live, *action: str) -> None:
    done = live.stack.breakwater("cluster", *action)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_vector_cluster_goes_to_one_node_and_back_without_a_failed_search(live: Live) -> None:
    held = live.payloads("docs")
    with searching(live) as statuses:
        switched(live, "single")
        assert live.node("qdrant-1", "/collections/docs/cluster")["local_shards"] == []
        (live.inbox / "alone.md").write_text("# Written to one node\n\nThe orrery was installed while one was alone.\n")
        eventually(
            lambda: live.search("when was the orrery installed", collection="inbox", path="alone.md"),
            10,
            "what was written to the one node is found",
        )
        switched(live, "replicate")
        assert live.active()
    assert set(statuses) == {200}
    assert len(set(live.counts().values())) == 1
    assert live.payloads("docs") == held
