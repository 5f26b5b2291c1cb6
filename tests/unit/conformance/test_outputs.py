from typing import Any

import pytest

from conformance.check import ConformanceError
from conformance.checks import outputs as group
from conformance.stack import Stack
from tests.unit.conformance.conftest import SECRETS, Lab, outputs

PORTS = {"kong/http": 8000, "query/http": 8202}


def failed(lab: Lab, said: dict[str, Any], name: str = "") -> set[str]:
    return {one.name for one in lab.results(group, Stack(said, name=name)) if one.verdict == "FAILED"}


def test_outputs_that_agree_conform(lab: Lab) -> None:
    assert failed(lab, outputs(PORTS)) == set()


@pytest.mark.parametrize(
    ("changes", "noticed"),
    [
        ({"gateway": "http://127.0.0.1:8001"}, "the gateway's address has the port of kong"),
        ({"ports": {**PORTS, "nothing/http": 9}}, "every port belongs to a component of the manifest"),
        ({"ports": {"kong/http": 8000}}, "every published port is among the outputs"),
        ({"target": "docker"}, "target and manifest agree"),
        (
            {"consumers": ["app", "third"]},
            "every consumer has a secret, and every secret is long and of its own",
        ),
        (
            {"secrets": {**SECRETS, "jwtSecret-app": "short"}},
            "every consumer has a secret, and every secret is long and of its own",
        ),
        (
            {"secrets": {**SECRETS, "jwtSecret-app": SECRETS["jwtSecret-other"]}},
            "every consumer has a secret, and every secret is long and of its own",
        ),
        ({"note": f"log in with {SECRETS['databasePassword']}"}, "no secret is in the outputs that anybody may see"),
    ],
)
def test_a_contradiction_is_noticed_by_its_check(lab: Lab, changes: dict[str, Any], noticed: str) -> None:
    assert failed(lab, outputs(PORTS) | changes) == {noticed}


def test_a_component_that_is_not_there_is_noticed(lab: Lab) -> None:
    said = outputs(PORTS)
    said["manifest"]["components"] = [one for one in said["manifest"]["components"] if one["component"] != "ingestion"]
    assert failed(lab, said) == {"the components of the design are there"}


def test_a_secret_in_the_manifest_is_noticed(lab: Lab) -> None:
    said = outputs(PORTS, environment={"PASSWORD": SECRETS["databasePassword"]})
    assert failed(lab, said) == {"no secret is in the outputs that anybody may see"}


@pytest.mark.parametrize(("shown", "noticed"), [("[secret]", set()), (SECRETS["interServiceSecret"], {"masked"})])
def test_pulumi_has_to_mask_the_secrets(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, shown: str, noticed: set[str]
) -> None:
    monkeypatch.setattr(group, "ask_pulumi", lambda *_: f'{{"secrets": "{shown}"}}')
    found = failed(lab, outputs(PORTS), name="test")
    assert found == ({"no secret shows without --show-secrets"} if noticed else set())


def test_the_manifest_has_to_be_of_the_stack_that_was_asked_for(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "ask_pulumi", lambda *_: "{}")
    assert failed(lab, outputs(PORTS), name="another") == {"target and manifest agree"}


@pytest.mark.parametrize("key", ["gateway", "ports", "consumers", "secrets", "target", "manifest"])
def test_without_one_of_the_outputs_nothing_can_be_checked(key: str) -> None:
    said = outputs(PORTS)
    del said[key]
    with pytest.raises(ConformanceError, match=f"the outputs lack {key}"):
        Stack(said)


def test_a_manifest_that_is_none_is_refused() -> None:
    with pytest.raises(ConformanceError, match="the output `manifest` cannot be read"):
        Stack(outputs(PORTS) | {"manifest": {}})
