import json
from pathlib import Path

import pytest

from infra.rollout.releases import ReleaseError
from infra.targets.deployment import topology_of
from infra.targets.local import programs
from infra.targets.local.implementations import Implementation
from infra.targets.local.paths import StackPaths
from infra.targets.local.programs import Program, Stack, program
from infra.topology import topology
from tests.settings import settings

SECRETS = {"databasePassword": ["db" * 20], "interServiceSecret": ["is" * 20, "ot" * 20], "jwtSecret-app": ["jw" * 20]}


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine decides what the tests see."""
    monkeypatch.setattr(
        programs, "find", lambda name, *, use_path: Implementation("real", name, "1.0", f"/opt/{name}/bin/{name}")
    )


def stack(**changes: object) -> Stack:
    values = settings(**changes)
    return Stack(topology_of(values), values, StackPaths(Path("/data/test")))


def of(name: str, **changes: object) -> Program:
    made = stack(**changes)
    return program(made, made.topology.component(name))


def test_every_component_of_the_topology_has_a_program() -> None:
    for component in topology().components:
        assert of(component.name).command


def test_no_secret_is_in_a_command_or_an_environment() -> None:
    for component in topology().components:
        runs = of(component.name)
        shown = " ".join((*runs.command, *runs.environment.values()))
        assert not any(secret in shown for held in SECRETS.values() for secret in held)


def test_with_chaos_a_service_reaches_its_dependencies_through_the_edges_proxies() -> None:
    environment = of("query").environment
    assert environment["QDRANT_URLS"] == "http://127.0.0.1:21021,http://127.0.0.1:21022,http://127.0.0.1:21023"
    assert environment["OLLAMA_URL"] == "http://127.0.0.1:21020"
    assert environment["REDIS_URL"] == "redis://127.0.0.1:21025/0"
    assert environment["DATABASE_URL"] == "postgresql://breakwater@127.0.0.1:21024/rag"


def test_with_one_vector_node_a_service_knows_of_no_other() -> None:
    for service in ("query", "ingestion", "collections"):
        assert of(service, qdrantNodes=1, chaos=False).environment["QDRANT_URLS"] == "http://127.0.0.1:6333"


@pytest.mark.parametrize(("cache", "told"), [(True, "true"), (False, "false")])
def test_query_is_told_whether_it_has_a_cache(cache: bool, told: str) -> None:
    assert of("query", cache=cache).environment["CACHE_ENABLED"] == told


def test_query_alone_is_told_how_many_processes_it_has() -> None:
    assert of("query", queryProcesses=2).environment["PROCESSES"] == "2"
    assert "PROCESSES" not in of("collections", queryProcesses=2).environment


def test_without_chaos_a_service_reaches_them_itself() -> None:
    environment = of("query", chaos=False).environment
    assert environment["QDRANT_URLS"] == "http://127.0.0.1:6333,http://127.0.0.1:6334,http://127.0.0.1:6335"
    assert environment["OLLAMA_URL"] == "http://127.0.0.1:11434"


def test_the_offset_moves_what_a_service_listens_on_and_dials() -> None:
    environment = of("rag-service", portOffset=100).environment
    assert environment["PORT"] == "3502"
    assert environment["QUERY_URL"] == "http://127.0.0.1:21130"


def test_a_services_secrets_are_files_named_by_its_environment() -> None:
    runs = of("query")
    assert runs.files(SECRETS) == {"database_password": "db" * 20}
    assert runs.live_files(SECRETS) == {"inter_service_secret": f"{'is' * 20}\n{'ot' * 20}"}
    assert runs.environment["INTER_SERVICE_SECRET_FILE"] == "/data/test/run/query/inter_service_secret"
    assert runs.environment["DATABASE_PASSWORD_FILE"] == "/data/test/run/query/database_password"


def test_toxiproxy_has_a_proxy_for_every_edge_to_the_dependency_itself() -> None:
    proxies = {p["name"]: p for p in json.loads(of("toxiproxy").files({})["proxies.json"])}
    assert list(proxies) == [edge.name for edge in topology(candidates=True).edges]  # before there is one
    assert proxies["query->ollama"] == {
        "name": "query->ollama",
        "listen": "127.0.0.1:21020",
        "upstream": "127.0.0.1:11434",
        "enabled": True,
    }


def test_a_vector_node_advertises_its_edge_and_joins_the_first_one() -> None:
    command = of("qdrant-2").command
    assert command[command.index("--uri") + 1] == "http://127.0.0.1:21062"
    assert command[command.index("--bootstrap") + 1] == "http://127.0.0.1:21060"


def test_an_embedded_vector_node_knows_where_the_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = Implementation("stand-in", "embedded Qdrant", "1.0", "/opt/python")
    monkeypatch.setattr(programs, "find", lambda _, *, use_path: embedded)
    command = of("qdrant-0").command
    others = [command[number + 1] for number, word in enumerate(command) if word == "--other"]
    assert others == ["http://127.0.0.1:21061", "http://127.0.0.1:21062"]
    assert "--other" not in of("qdrant-0", qdrantNodes=1).command


def test_a_real_vector_node_listens_on_its_own_ports_of_this_machine_only() -> None:
    environment = of("qdrant-1").environment
    assert environment["QDRANT__SERVICE__HOST"] == "127.0.0.1"
    assert environment["QDRANT__SERVICE__HTTP_PORT"] == "6334"
    assert environment["QDRANT__CLUSTER__P2P__PORT"] == "6354"


def test_the_gateways_files_hold_the_consumers_secrets_and_its_routes_lead_to_the_edges() -> None:
    gateway = of("kong")
    files = gateway.live_files(SECRETS)
    assert "jw" * 20 in files["kong.yml"]
    assert "127.0.0.1:21050" in files["kong.yml"]
    assert set(gateway.files(SECRETS)) == {"bootstrap.json", "lds.json"}


def test_a_rotated_secret_changes_no_file_that_takes_a_restart() -> None:
    later = {name: ["new" * 20, *held] for name, held in SECRETS.items() if name != "databasePassword"}
    later["databasePassword"] = SECRETS["databasePassword"]
    changed = set()
    for component in topology().components:
        runs = of(component.name)
        assert runs.files(later) == runs.files(SECRETS)
        if runs.live_files(later) != runs.live_files(SECRETS):
            changed.add(component.name)
    assert changed == {"ingestion", "query", "rag-service", "collections", "kong"}


def test_a_changed_file_of_a_service_changes_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "PROJECT_ROOT", tmp_path)
    (tmp_path / "services").mkdir()
    (tmp_path / "services/a.py").write_text("1")
    first = programs.source_digest("services")
    assert programs.source_digest("services") == first
    (tmp_path / "services/a.py").write_text("2")
    assert programs.source_digest("services") != first


def test_a_prepared_release_runs_from_its_own_folder_and_everything_else_from_this_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := tmp_path / "releases/0.2.0-0a").mkdir(parents=True)
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path))
    both = {"candidate": "0.2.0-0a", "candidateWeights": ["query=10"]}
    stable, candidate = of("query", **both), of("query-next", **both)
    assert (stable.environment["RELEASE"], "PYTHONPATH" in stable.environment) == ("0.1.0", False)
    assert (candidate.environment["RELEASE"], candidate.environment["PYTHONPATH"]) == ("0.2.0-0a", str(folder))
    assert (candidate.source, candidate.implementation.version) == ("0.2.0-0a", "0.2.0-0a")
    assert candidate.command == stable.command
    assert (candidate.environment["CANDIDATE"], "CANDIDATE" in stable.environment) == ("true", False)
    assert stable.environment == of("query").environment
    assert of("rag-service-next", **both).environment["QUERY_URL"] == "http://127.0.0.1:21085"
    assert of("query", release="0.2.0-0a").environment["PYTHONPATH"] == str(folder)


def test_a_release_that_was_not_prepared_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"no release '0\.3\.0' is prepared"):
        of("query", release="0.3.0")
