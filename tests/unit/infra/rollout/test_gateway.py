import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from infra.drift.inspection import Inspected
from infra.rollout import gateway as module
from infra.rollout.deployment import Desired, RolloutError
from infra.rollout.gateway import ROUTES, Gateway
from infra.topology import RELEASED

KONG = {"upstreams": [{"name": "query", "targets": [{"target": "h:1", "weight": 90}, {"target": "h:2", "weight": 0}]}]}
FILES = {name: json.dumps({"version_info": "7"}) for name in ("lds.json", "cds.json", "rds.json", "jwt.json")}


class Envoy:
    """What a gateway answers and tells, look by look; the last of each stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.versions = ["7"]
        self.releases: dict[str, list[str]] = {path: ["1"] for path in ROUTES.values()}
        self.active, self.failing = [0], [False]
        self.asked: list[str] = []
        monkeypatch.setattr(module, "POLL_S", 0)
        monkeypatch.setattr(module, "ask", self._clusters)
        monkeypatch.setattr("infra.probes.gateway.read", self._read)
        monkeypatch.setattr(Gateway, "_release", lambda _, path: self._release(path))

    @property
    def gateway(self) -> Gateway:
        running = SimpleNamespace(envoy=True, gateway_files={"kong.yml": yaml.safe_dump(KONG), **FILES})
        return Gateway(cast(Inspected, SimpleNamespace(running=running, url=lambda *_: "http://admin")))

    def _read(self, _admin: str, *, envoy: bool) -> tuple[Mapping[str, str], frozenset[str]]:
        assert envoy
        return dict.fromkeys(FILES, _next(self.versions)), frozenset()

    def _clusters(self, url: str) -> Any:
        assert url == "http://admin/clusters?format=json"
        dead = {"failed_active_health_check": True} if _next(self.failing) else {}
        hosts: dict[str, tuple[int, Mapping[str, bool]]] = {
            "query@h:1": (9, {}),
            "query@h:2": (_next(self.active), dead),
        }
        return {
            "cluster_statuses": [
                {
                    "name": name,
                    "host_statuses": [
                        {"health_status": health, "stats": [{"name": "rq_active", "value": str(active)}, {"name": "x"}]}
                    ],
                }
                for name, (active, health) in hosts.items()
            ]
        }

    def _release(self, path: str) -> str:
        self.asked.append(path)
        return str(_next(self.releases[path]))


def _next(told: list[Any]) -> Any:
    return told.pop(0) if len(told) > 1 else told[0]


@pytest.fixture
def envoy(monkeypatch: pytest.MonkeyPatch) -> Envoy:
    return Envoy(monkeypatch)


def test_it_is_waited_for_until_it_goes_by_the_configuration(envoy: Envoy) -> None:
    envoy.versions = ["6", "6", "7"]
    envoy.gateway.follow(Desired("1"))
    assert envoy.versions == ["7"]


def test_a_target_that_is_to_get_requests_is_waited_for_until_it_is_healthy_and_no_other_is(envoy: Envoy) -> None:
    envoy.failing = [True, True, False]
    envoy.gateway.ready(Desired("1", "2", {"query": 10}), deadline_s=10)
    assert envoy.failing == [False]
    envoy.failing = [True]
    envoy.gateway.ready(Desired("1"), deadline_s=0)  # which asks nothing of the candidate
    with pytest.raises(RolloutError, match=r"query@h:2 does not answer its health check"):
        envoy.gateway.ready(Desired("1", "2", {"query": 10}), deadline_s=0)


def test_at_the_end_of_a_promotion_both_targets_have_the_same_release(envoy: Envoy) -> None:
    for share in (0, 100):
        envoy.gateway.follow(Desired("1", "1", dict.fromkeys(RELEASED, share)), deadline_s=0)


def test_every_service_is_seen_to_answer_with_the_release_that_it_is_to(envoy: Envoy) -> None:
    envoy.releases[ROUTES["query"]] = ["1", "2"]
    envoy.gateway.follow(Desired("1", "2", {"query": 100}))
    assert {*envoy.asked} == {*ROUTES.values()}
    assert ROUTES.keys() == {*RELEASED}


def test_where_both_have_a_share_either_may_answer_and_no_third(envoy: Envoy) -> None:
    envoy.releases[ROUTES["query"]] = ["1", "2", "2", "1", "2"]
    envoy.gateway.follow(Desired("1", "2", {"query": 10}))
    envoy.releases[ROUTES["query"]] = ["3"]
    with pytest.raises(RolloutError, match=r"the gateway does not follow after 0 s: query is answered by 3 and not by"):
        envoy.gateway.follow(Desired("1", "2", {"query": 10}), deadline_s=0)


def test_a_configuration_that_does_not_come_into_force_is_told(envoy: Envoy) -> None:
    envoy.versions = ["6"]
    with pytest.raises(RolloutError, match=r"lds\.json is not in force; see `make status`"):
        envoy.gateway.follow(Desired("1"), deadline_s=0)


def test_requests_at_targets_without_weight_may_end_but_not_for_ever(envoy: Envoy) -> None:
    envoy.active = [2, 1, 0]
    envoy.gateway.drain(deadline_s=10)
    assert envoy.active == [0]
    envoy.active = [1]
    envoy.gateway.drain(deadline_s=0)
