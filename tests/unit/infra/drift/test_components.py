import json
from dataclasses import replace
from typing import Any

import pytest

from infra.drift.components import FIELD_KINDS, drifts, lasting, without_consequences
from infra.drift.drift import UNDEPLOYED, Drift, Found, redacted
from infra.drift.kinds import KINDS
from infra.drift.repair import REPAIRS
from infra.manifest import FIELDS, Deployed, Manifest, Published
from infra.topology import Limits

WEB = Deployed(
    "web",
    "this project 1.0",
    ("python", "-m", "web"),
    "stop-first",
    environment={"COLOUR": "blue"},
    files={"secret": "digest"},
    live_files={"token": "digest"},
    source="abc",
    limits=Limits(256, 0.5),
    health=("http", "80", "/"),
    ports=(Published("127.0.0.1", 80, 80),),
    networks=("internal",),
    volumes={"/data": "web-data"},
    user="1000",
)
CHANGES: dict[str, tuple[Any, tuple[str, str, str, str]]] = {
    "runs": ("this project 0.9", ("version", "", "this project 1.0", "this project 0.9")),
    "command": (("python", "-m", "web", "--debug"), ("command", "", "…", "… --debug")),
    "environment": ({"COLOUR": "red"}, ("environment", "COLOUR", "blue", "red")),
    "files": ({}, ("file", "secret", "digest", "not there")),
    "live_files": ({"token": "other"}, ("live file", "token", "digest", "other")),
    "source": ("abd", ("source", "", "abc", "abd")),
    "limits": (None, ("limits", "", "256 MiB, 0.5 CPUs", "not there")),
    "health": ((), ("health check", "", "http 80 /", "none")),
    "ports": ((Published("0.0.0.0", 80, 80),), ("port", "", "127.0.0.1:80", "0.0.0.0:80")),
    "networks": (("internal", "host"), ("network", "", "…", "… host")),
    "volumes": ({"/data": "other"}, ("volume", "/data", "web-data", "other")),
    "user": ("root", ("rights", "user", "1000", "root")),
    "read_only": (True, ("rights", "read only", "no", "yes")),
    "privileged": (True, ("rights", "privileged", "no", "yes")),
    "capabilities": (("NET_ADMIN",), ("rights", "capabilities", "none", "NET_ADMIN")),
    "restarts": (False, ("rights", "restarts", "yes", "no")),
}
UNSEEN = {"strategy", "after", "stateful"}  # how it is deployed, which nothing that runs tells


def manifest(*components: Deployed) -> Manifest:
    return Manifest("test", "local", components, (3, 2))


def test_what_is_as_wanted_does_not_drift() -> None:
    assert drifts(manifest(WEB), Found((WEB,)), manifest(WEB)) == []


@pytest.mark.parametrize("field", CHANGES)
def test_each_field_of_a_component_drifts_as_a_kind_of_its_own_words(field: str) -> None:
    value, expected = CHANGES[field]
    (told,) = drifts(manifest(WEB), Found((replace(WEB, **{field: value}),)), manifest(WEB))
    assert (told.component, told.undeployed) == ("web", False)
    assert (told.kind, told.what, told.wanted, told.found) == expected


def test_every_field_of_a_component_is_looked_at_or_cannot_be_seen() -> None:
    assert set(FIELD_KINDS) == set(CHANGES) == set(FIELDS) - UNSEEN


def test_a_component_too_few_and_one_too_many_are_named() -> None:
    told = drifts(manifest(WEB), Found((replace(WEB, component="stranger"),)))
    assert [drift.place for drift in told] == [("web", "missing", ""), ("stranger", "extra", "")]


def test_a_component_that_was_never_deployed_or_is_not_wanted_any_more_waits_for_a_deployment() -> None:
    (missing,) = drifts(manifest(WEB), Found(()), manifest())
    (extra,) = drifts(manifest(), Found((WEB,)), manifest(WEB))
    assert [(drift.kind, drift.undeployed) for drift in (missing, extra)] == [("missing", True), ("extra", True)]
    (removed,) = drifts(manifest(WEB), Found(()), manifest(WEB))
    assert not removed.undeployed


def test_what_runs_as_it_was_deployed_is_repaired_by_a_deployment() -> None:
    was = replace(WEB, source="abb", environment={"COLOUR": "green"})
    runs = replace(was, files={"secret": "by hand"})
    told = drifts(manifest(WEB), Found((runs,)), manifest(was))
    causes = {drift.kind: (drift.cause == UNDEPLOYED, drift.by) for drift in told}
    assert causes == {"source": (True, "up"), "environment": (True, "up"), "file": (False, "repair")}


def test_what_only_follows_from_a_component_that_does_not_run_is_not_told() -> None:
    stopped = Drift("qdrant-1", "stopped")
    told = [
        stopped,
        Drift("qdrant-1", "silent"),
        Drift("qdrant-0", "replica", "docs at qdrant-1"),
        Drift("qdrant-0", "factors", "docs"),
        Drift("redis", "silent"),
        Drift("redis", "silent", found="the same, seen from another side"),
    ]
    kept = [drift.place for drift in without_consequences(told)]
    assert kept == [stopped.place, ("qdrant-0", "factors", "docs"), ("redis", "silent", "")]


def test_what_passes_between_two_looks_is_not_told() -> None:
    first = [Drift("redis", "silent"), Drift("query", "file", "a", found="1")]
    second = [Drift("query", "file", "a", found="2"), Drift("query", "file", "b")]
    assert lasting(first, second) == [second[0]]


def test_a_secret_in_the_wrong_place_is_told_by_its_name() -> None:
    found = Drift("web", "command", "", "web", "web --password s3cret")
    told = redacted(found, {"databasePassword": ("s3cret", "other")})
    assert told.found == "web --password <databasePassword>"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_its_cause_and_who_repairs_it_how(kind: str) -> None:
    drift = Drift("web", kind, "thing", at="http://there")
    assert drift.cause
    assert "{" not in drift.cause + drift.repair.replace("{{json", "").replace("}}", "")
    assert (kind in REPAIRS) == (drift.by != "person")
    assert drift.repair.startswith({"up": "make up: ", "repair": "make up REPAIR=1: "}.get(drift.by, ""))


def test_a_drift_is_plain_data() -> None:
    assert json.dumps(vars(Drift("web", "stopped")))
