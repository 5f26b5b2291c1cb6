from typing import Any

from infra.probes.toxiproxy import compare

EDGE: dict[str, Any] = {"name": "a->b", "listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", "enabled": True}
TOXIC = {"name": "slow", "type": "latency", "stream": "upstream", "attributes": {"latency": 5}}


def told(**found: dict[str, Any]) -> list[tuple[str, str]]:
    named = {name.replace("_", "->"): {"toxics": [], **proxy} for name, proxy in found.items()}
    return [(drift.kind, drift.what) for drift in compare([EDGE], named)]


def test_a_proxy_for_every_edge_is_no_drift() -> None:
    assert told(a_b=EDGE) == []


def test_missing_other_and_extra_proxies_are_told() -> None:
    assert told(c_d=EDGE) == [("proxy missing", "a->b"), ("proxy extra", "c->d")]
    assert told(a_b={**EDGE, "listen": "127.0.0.1:9"}) == [("proxy missing", "a->b")]


def test_everything_that_is_wrong_with_a_proxy_is_told() -> None:
    wrong = {**EDGE, "upstream": "127.0.0.1:3", "enabled": False, "toxics": [TOXIC]}
    assert told(a_b=wrong) == [("upstream", "a->b"), ("proxy disabled", "a->b"), ("toxic", "a->b slow")]


def test_every_interface_may_be_told_as_ipv6s() -> None:
    found = {EDGE["name"]: {**EDGE, "listen": "[::]:1", "toxics": []}}
    assert list(compare([{**EDGE, "listen": "0.0.0.0:1"}], found)) == []
