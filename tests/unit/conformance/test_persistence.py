from collections.abc import Mapping
from typing import Any

import pytest

from conformance import stack as stacks
from conformance import targets
from conformance.check import NonconformingError
from conformance.checks import persistence
from conformance.sample import PATH, Contents, Sample
from tests.unit.conformance.conftest import Asked, Lab, Said

NAME = "a document is found after a restart of qdrant-0"


class Vectors:
    """A lone node behind a gateway; a restart may cost it what it had."""

    def __init__(
        self, *, forgets: bool = False, refuses: bool = False, stale: bool = False, rows_lost: int = 0
    ) -> None:
        self.rows_lost = rows_lost
        self.forgets, self.refuses, self.stale = forgets, refuses, stale
        self.count = 4
        self.restarted: list[str] = []

    def restart(self, _outputs: Mapping[str, Any], component: str) -> None:
        if self.refuses:
            raise NonconformingError("the supervisor does not restart it")
        self.restarted.append(component)
        self.count = 0 if self.forgets else self.count

    def gateway(self, asked: Asked) -> Said:
        if asked.route == f"{PATH}/stats":
            return Said(200, {"indexed": 1 - self.rows_lost, "vectors": self.count})
        headers = {"X-Service-Degraded": "true"} if self.stale else {}
        return Said(200, {"results": [{"document": {"path": "a.md"}}] * self.count}, headers)

    def node(self, asked: Asked) -> Said:
        results: dict[str, Any] = {
            "/cluster": {"status": "enabled", "peer_id": 1, "peers": {"1": {}}},
            "/collections": {"collections": []},
            "/collections/conformance/points/count": {"count": self.count},
        }
        return Said(200, {"result": results.get(asked.route)})


@pytest.fixture(autouse=True)
def _ingested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sample, "contents", Contents(("a.md",), 4, "a"))
    for name in ("FOUND_S", "AGREED_S"):
        monkeypatch.setattr(persistence, name, 0.05)
    monkeypatch.setattr(stacks, "POLL_S", 0.01)


def failed(lab: Lab, vectors: Vectors, monkeypatch: pytest.MonkeyPatch, *, published: bool = True) -> dict[str, str]:
    monkeypatch.setattr(targets, "restart", vectors.restart)
    answers = {"kong/http": vectors.gateway, **({"qdrant-0/http": vectors.node} if published else {})}
    return lab.failed(persistence, answers, stateful=("qdrant-0",))


@pytest.mark.parametrize("published", [True, False])
def test_what_survives_the_restart_of_each_stateful_component_conforms(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, published: bool
) -> None:
    vectors = Vectors()
    assert failed(lab, vectors, monkeypatch, published=published) == {}
    assert vectors.restarted == ["qdrant-0"]


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        (Vectors(forgets=True), "nothing of what was ingested"),
        (Vectors(rows_lost=1), "documents and vectors that are left: (0, 4)"),
        (Vectors(stale=True), "it is a stale one"),
        (Vectors(refuses=True), "the supervisor does not restart it"),
    ],
)
def test_what_does_not_survive_is_noticed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, vectors: Vectors, reason: str
) -> None:
    noticed = failed(lab, vectors, monkeypatch)
    assert list(noticed) == [NAME]
    assert reason in noticed[NAME]
