"""What a stack of the docker target is to consist of, without Pulumi."""

import re
from dataclasses import replace

from infra.manifest import from_json
from infra.settings import Settings
from infra.targets import deployment
from infra.targets.docker.containers import container
from infra.targets.docker.manifest import deployed, spec
from infra.targets.docker.place import Place
from infra.targets.secrets import secret_names
from infra.targets.services import SERVICES
from infra.topology import QDRANT_NODES
from tests.settings import settings

PRODUCTION = settings(target="docker", chaos=False)
CHAOS = settings(target="docker")


def place(given: Settings) -> Place:
    return Place(deployment.topology_of(given), given)


def test_it_holds_every_component_and_survives_json() -> None:
    for given in (PRODUCTION, CHAOS):
        manifest = deployment.wanted(given)
        assert {one.component for one in manifest.components} == deployment.topology_of(given).by_name.keys()
        assert from_json(manifest.to_json()) == manifest
        assert manifest.replication == (3, 2)


def test_services_are_replaced_without_a_gap_where_nothing_finds_them_by_a_name_or_port_that_two_cannot_have() -> None:
    strategies = {one.component: one.strategy for one in deployment.wanted(PRODUCTION).components}
    assert {name for name, strategy in strategies.items() if strategy == "create-first"} == SERVICES.keys()
    assert {name for name, strategy in strategies.items() if strategy == "run"} == {"models", "migrations"}
    assert "create-first" not in {one.strategy for one in deployment.wanted(CHAOS).components}


def test_a_candidate_is_another_release_of_its_service_and_candidates_call_one_another() -> None:
    given = settings(target="docker", chaos=False, candidate="0.2.0", candidateWeights=["query=10"])
    manifest = deployment.wanted(given)
    query, candidate, rag = (manifest.component(n) for n in ("query", "query-next", "rag-service-next"))
    assert query
    assert candidate
    assert rag
    assert (query.runs, candidate.runs) == ("breakwater/query:0.1.0", "breakwater/query:0.2.0")
    assert (query.environment["RELEASE"], candidate.environment["RELEASE"]) == ("0.1.0", "0.2.0")
    assert rag.environment["QUERY_URL"] == "http://query-next:8202"
    for one in deployment.wanted(settings(target="docker", chaos=False)).components:
        if one.component != "kong":  # which is told of it
            assert manifest.component(one.component) == one


def test_a_digest_of_this_projects_images_is_of_one_release() -> None:
    pins = [f"query:{release}=sha256:{digit * 64}" for release, digit in (("0.1.0", "a"), ("0.2.0", "b"))]
    given = settings(target="docker", candidate="0.2.0", imageDigests=[*pins, f"redis=sha256:{'c' * 64}"])
    runs = {one.component: one.runs.partition("@")[2][-1:] for one in deployment.wanted(given).components}
    assert [runs[name] for name in ("query", "query-next", "redis", "ingestion")] == ["a", "b", "c", ""]


def test_no_secret_is_in_it() -> None:
    told = str(deployment.wanted(PRODUCTION).to_json())
    for name in secret_names(PRODUCTION):
        if name != "grafanaPassword":  # the name of its file, too
            assert name not in told


def test_behind_toxiproxy_everything_waits_for_it_and_nothing_calls_another_itself() -> None:
    for one in deployment.wanted(CHAOS).components:
        if one.component == "toxiproxy":
            continue
        assert one.after[0] == "toxiproxy"
        said = " ".join((*one.command, *one.environment.values()))
        for name in (*QDRANT_NODES, "ollama", "redis", "timescaledb", *SERVICES):
            assert not re.search(rf"[/@]{name}:", said), (one.component, name)


def test_who_calls_a_service_is_told_one_container_of_it() -> None:
    named = replace(place(PRODUCTION), hosts={"query": "query-7", "ingestion": "ingestion-7"})
    assert container(named, "rag-service").environment["QUERY_URL"] == "http://query-7:8202"
    assert container(named, "collections").environment["INGESTION_URL"] == "http://ingestion-7:8201"
    (kong,) = container(named, "kong").live_files({"jwtSecret-app": ["s" * 32]}).values()
    assert "target: query-7:8202" in kong


def test_a_spec_is_another_for_whatever_takes_a_new_container_and_for_nothing_else() -> None:
    one = container(place(PRODUCTION), "redis")
    same = replace(one, after=("ollama",))
    assert spec(place(PRODUCTION), one) == spec(place(PRODUCTION), same)
    for other in (
        replace(one, image="redis:9"),
        replace(one, environment={"A": "1"}),
        replace(one, files=lambda _: {"/etc/breakwater/redis.conf": "another"}),
        replace(one, networks=("internal",)),
        replace(one, user="0:0"),
    ):
        assert spec(place(PRODUCTION), one) != spec(place(PRODUCTION), other)


def test_what_is_read_without_a_restart_is_the_gateways_configuration_alone() -> None:
    live = {one.component: one.live_files for one in deployment.wanted(PRODUCTION).components if one.live_files}
    assert [*live] == ["kong"]
    assert [*live["kong"]] == ["/kong/kong.yml"]


def test_a_container_without_a_collections_file_gets_none() -> None:
    without = settings(target="docker", chaos=False, collectionsFile="nowhere.json")
    one = deployed(place(without), container(place(without), "ingestion"))
    assert not [path for path in one.files if path.endswith(".json")]
