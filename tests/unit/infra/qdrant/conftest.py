import pytest

from infra.qdrant import contents, everywhere, steps
from tests.unit.infra.qdrant.fake import Cluster


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes by waiting here."""
    monkeypatch.setattr(steps, "SETTLE_S", 0.01)
    monkeypatch.setattr(steps, "POLL_S", 0.001)
    monkeypatch.setattr(everywhere, "POLL_S", 0.001)
    monkeypatch.setattr(contents, "PAUSE_S", 0.0001)


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.create("docs", {1: "a", 2: "b"})
    cluster.create("a b", {})
    return cluster
