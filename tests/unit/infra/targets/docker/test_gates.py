from typing import Any

import pytest

from infra.targets.docker import gates, once
from infra.targets.docker.engine import COMPONENT_LABEL, IMAGE_LABEL, SPEC_LABEL, STACK_LABEL
from infra.targets.docker.gates import AgreementProvider, HealthyProvider, ReplacementProvider, UnhealthyError
from infra.targets.docker.once import FailedError
from tests.unit.infra.targets.docker.fake import Container, Engine, outs
from tests.unit.infra.targets.docker.test_once import JOB

HEALTHY = {"dockerHost": "", "stack": "test", "name": "query-healthy", "container": "query-1", "seconds": 60.0}
REPLACEMENT = {**JOB, "files": {}, "node": "qdrant-1", "spec": "as wanted", "nodeImageId": "sha256:1"}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(once, "engine", made.connected)
    monkeypatch.setattr(gates, "engine", made.connected)
    monkeypatch.setattr(gates, "POLL_S", 0.0)
    return made


def node(engine: Engine, *, spec: str = "as wanted", image: str = "sha256:1", status: str = "running") -> None:
    labels = {STACK_LABEL: "test", COMPONENT_LABEL: "qdrant-1", SPEC_LABEL: spec, IMAGE_LABEL: image}
    engine.create("qdrant", [], labels=labels).status = status


def query(engine: Engine, *health: str, status: str = "running") -> Container:
    made = engine.create("query", [], labels={COMPONENT_LABEL: "query"}, name="query-1")
    made.status, made.health = status, [*health]
    return made


def test_what_is_to_hold_is_looked_at_by_every_up(engine: Engine) -> None:
    gate = AgreementProvider()
    held = outs(gate.create(JOB))
    assert not gate.diff("", held, JOB).changes  # within the same one
    seen = outs(gate.read("id", held))
    assert gate.diff("", seen, JOB).changes
    again = outs(gate.update("", seen, JOB))
    assert len(engine.ran) == 2
    assert not gate.diff("", again, JOB).changes


def test_what_does_not_hold_fails_the_up_and_the_next_one(engine: Engine) -> None:
    gate = AgreementProvider()
    seen = outs(gate.read("id", outs(gate.create(JOB))))
    engine.status = 1
    for _ in range(2):
        with pytest.raises(FailedError):
            gate.update("", seen, JOB)
        seen = outs(gate.read("id", seen))
        assert gate.diff("", seen, JOB).changes


def test_a_container_that_starts_is_waited_for(engine: Engine) -> None:
    query(engine, "starting", "starting", "healthy")
    HealthyProvider().create(HEALTHY)


@pytest.mark.parametrize(
    ("ill", "said"),
    [
        (("unhealthy", "running"), "query-1 is unhealthy: connection refused. Nothing that needs it is touched"),
        (("starting", "running"), "query-1 is starting: connection refused"),
        (("healthy", "exited"), "query-1 is not running"),
    ],
)
def test_one_that_is_not_healthy_fails_every_up_until_it_is(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, ill: tuple[str, str], said: str
) -> None:
    """Pulumi forgets, when it refreshes, that a container never became healthy, and would delete the old one."""
    monkeypatch.setattr(gates, "RECOVER_S", 0.01)
    provider, wanted = HealthyProvider(), {**HEALTHY, "seconds": 0.01}
    made = query(engine, "healthy")
    seen = outs(provider.read("id", outs(provider.create(wanted))))
    made.health, made.status = [ill[0]], ill[1]
    for _ in range(2):
        assert provider.diff("", seen, wanted).changes
        with pytest.raises(UnhealthyError, match=said):
            provider.update("", seen, wanted)
    made.health, made.status = ["healthy"], "running"
    assert not provider.diff("", outs(provider.update("", seen, wanted)), wanted).changes


def test_another_container_is_looked_at_too(engine: Engine) -> None:
    query(engine, "healthy")
    held = outs(HealthyProvider().create(HEALTHY))
    assert HealthyProvider().diff("", held, {**HEALTHY, "container": "query-2"}).changes


@pytest.mark.parametrize(
    ("there", "asks"),
    [
        (None, False),  # it is to be made
        ({}, False),  # it stays
        ({"spec": "as it was"}, True),
        ({"image": "sha256:0"}, True),
        ({"status": "exited"}, True),
    ],
)
def test_the_others_are_asked_before_a_node_is_replaced_and_then_only(
    engine: Engine, there: dict[str, Any] | None, asks: bool
) -> None:
    if there is not None:
        node(engine, **there)
    ReplacementProvider().create(REPLACEMENT)
    assert bool(engine.ran) is asks


def test_a_node_is_not_replaced_while_the_others_do_not_agree(engine: Engine) -> None:
    node(engine, spec="as it was")
    engine.status = 1
    with pytest.raises(FailedError):
        ReplacementProvider().create(REPLACEMENT)
