import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from chaos import faults
from chaos.faults import FAULTS, Bandwidth, BlackHole, Down, Fault, Garbage, Kill, Latency, Partition, Reset, Slicer
from chaos.faults.credentials import expired_token, forged_token, wrong_service_token
from chaos.stack import Stack
from infra.gateway.tokens import secret_name
from infra.targets.local.paths import StackPaths
from infra.topology import TopologyError, topology

EDGE = "query->ollama"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    secrets = {secret_name("app"): "s" * 40, "interServiceSecret": "ours"}
    return Stack("test", StackPaths(tmp_path), topology(100), secrets)


@pytest.mark.parametrize(
    ("fault", "said", "target"),
    [
        (Latency(EDGE, latency_ms=800, jitter_ms=50), "latency 800±50 ms on answers of query->ollama", EDGE),
        (Latency(EDGE, "both", latency_ms=5), "latency 5 ms on requests and answers of query->ollama", EDGE),
        (BlackHole(EDGE, "up"), "black hole for requests of query->ollama", EDGE),
        (Bandwidth(EDGE), "bandwidth 10 KB/s for answers of query->ollama", EDGE),
        (Down(EDGE), "connections refused on query->ollama", EDGE),
        (Garbage(EDGE), "bytes of no protocol for an answer on query->ollama", EDGE),
        (Reset(EDGE), "connections reset after 0 ms, on answers of query->ollama", EDGE),
        (Kill("redis", stays_down=True), "redis killed and kept down", "redis"),
        (Partition("qdrant-1"), "qdrant-1 cut off from what its peers send (refused)", "peers->qdrant-1"),
        (Partition("qdrant-1", silent=True), "qdrant-1 cut off from what its peers send (lost)", "peers->qdrant-1"),
    ],
)
def test_a_fault_describes_itself_with_figures_and_names_its_target(fault: Fault, said: str, target: str) -> None:
    assert fault.describe() == said
    assert fault.target == target


def test_every_kind_has_a_class_of_its_own() -> None:
    assert len({*FAULTS.values()}) == len(faults._CLASSES)


def test_a_fault_survives_its_json() -> None:
    fault = Slicer(EDGE, "up", size=5, variation=2, delay_ms=3)
    document = json.loads(json.dumps(faults.to_json(fault)))
    assert document["kind"] == "slicer"
    assert faults.from_json(document) == fault


def test_json_of_no_fault_is_refused() -> None:
    with pytest.raises(KeyError):
        faults.from_json({"kind": "earthquake"})
    with pytest.raises(ValidationError):
        faults.from_json({"kind": "latency", "edge": EDGE, "stream": "sideways"})


def test_a_slicers_delay_is_handed_over_in_microseconds() -> None:
    assert Slicer(EDGE, delay_ms=3).toxic()[1]["delay"] == 3000


def test_an_edge_that_is_not_there_is_refused_before_anything_happens(stack: Stack) -> None:
    for fault in (Latency("redis->query"), Down("redis->query"), Garbage("redis->query"), Partition("qdrant-7")):
        with pytest.raises(TopologyError):
            fault.prepare(stack)


def test_credentials_that_must_be_refused_are_each_wrong_in_one_way(stack: Stack) -> None:
    import jwt

    secret = stack.secrets[secret_name("app")]
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(expired_token(stack), secret, algorithms=["HS256"])
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forged_token(), secret, algorithms=["HS256"])
    assert jwt.decode(stack.token(), secret, algorithms=["HS256"])["sub"] == "app"
    assert wrong_service_token() != wrong_service_token()
