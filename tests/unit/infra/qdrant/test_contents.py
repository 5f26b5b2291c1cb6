import pytest

from infra.qdrant.contents import differences
from tests.unit.infra.qdrant.fake import Cluster


def test_points_that_one_lacks_or_has_otherwise_differ(cluster: Cluster) -> None:
    one, other, third = cluster.nodes
    cluster.points[2, "docs"][1] = "other"
    del cluster.points[3, "docs"][2]
    assert differences(one, other, "docs") == {1}
    assert differences(one, third, "docs") == differences(third, one, "docs") == {2}
    assert differences(other, third, "docs") == {1, 2}


def test_a_write_under_way_is_no_difference(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = cluster.nodes[:2]
    cluster.points[1, "docs"][3] = "new"

    def arrives(_: float) -> None:
        cluster.points[2, "docs"][3] = "new"

    monkeypatch.setattr("infra.qdrant.contents.time.sleep", arrives)
    assert differences(one, other, "docs") == set()
