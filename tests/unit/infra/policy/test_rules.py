from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.manifest import Manifest, Published
from infra.policy.rules import RULES, PolicyError, hold, violations
from infra.settings import Settings
from infra.targets.deployment import topology_of
from infra.targets.docker.images import pinned_as
from infra.targets.secrets import secret_names
from infra.topology import Limits, topology
from tests.manifests import changed, manifest_of, without
from tests.settings import settings

LOCAL = settings()
DOCKER = settings(target="docker")
DIGEST = "sha256:" + "0a" * 32
RANDOM = "Zk3vQ9rT1xWb7LmN5pYc2Hd8Jf4Gs6Ua"


def broken(manifest: Manifest, given: Settings) -> list[tuple[str, str]]:
    return [(one.rule, one.component) for one in violations(manifest, topology_of(given), given)]


@pytest.mark.parametrize("target", ["local", "docker"])
def test_a_stack_with_candidates_keeps_all_rules(target: str) -> None:
    given = settings(target=target, candidate="0.1.0", candidateWeights=["query=100"])
    assert broken(manifest_of(target=target, candidate="0.1.0", candidateWeights=["query=100"]), given) == []


@dataclass(frozen=True)
class Seed:
    """A change that breaks one rule in one place."""

    breaks: str
    component: str
    change: Callable[[Manifest], Manifest]
    settings: dict[str, Any] = field(default_factory=dict)


def setting(component: str, **fields: Any) -> Callable[[Manifest], Manifest]:
    return lambda manifest: changed(manifest, component, **fields)


def environment(component: str, **variables: str) -> Callable[[Manifest], Manifest]:
    return setting(component, environment=variables)


def port(component: str, *ports: tuple[str, int, int]) -> Callable[[Manifest], Manifest]:
    return setting(component, ports=tuple(Published(*one) for one in ports))


SEEDS = {
    "too much memory": Seed("budget", "", setting("query", limits=Limits(3072, 0.6))),
    "too many processors": Seed("budget", "", setting("query", limits=Limits(384, 0.71))),
    "no limits": Seed("limits", "grafana", setting("grafana", limits=None)),
    "no limit of memory": Seed("limits", "grafana", setting("grafana", limits=Limits(0, 0.2))),
    "no limit of processors": Seed("limits", "grafana", setting("grafana", limits=Limits(384, 0))),
    "no health check": Seed("health", "kong", setting("kong", health=())),
    "a health check that is turned off": Seed("health", "kong", setting("kong", health=("NONE",))),
    "an image without a tag": Seed("versions", "kong", setting("kong", runs="docker.io/library/kong")),
    "an image that moves": Seed("versions", "kong", setting("kong", runs="docker.io/library/kong:latest")),
    "a variant that moves": Seed(
        "versions", "timescaledb", setting("timescaledb", runs="timescale/timescaledb:latest-pg17")
    ),
    "a major version": Seed("versions", "redis", setting("redis", runs="docker.io/library/redis:8-alpine")),
    "a release that moves": Seed("versions", "query", setting("query", runs="images.lan:5000/breakwater/query:main")),
    "no digest where one is asked for": Seed(
        "digests",
        "redis",
        setting("redis", runs="docker.io/library/redis:8.2"),
        {
            "requireDigests": True,
            "imageDigests": [
                f"{pinned_as(component, '0.1.0')}={DIGEST}" for component in topology(observability=True).components
            ],
        },
    ),
    "a registry that is not allowed": Seed(
        "registries",
        "redis",
        setting("redis", runs="docker.io/library/redis:8.2"),
        {"registries": ["images.lan:5000"], "registry": "images.lan:5000"},
    ),
    "a privileged container": Seed("privileges", "ollama", setting("ollama", privileged=True)),
    "the machine's network": Seed("networks", "qdrant-1", setting("qdrant-1", networks=("host",))),
    "a capability": Seed("capabilities", "kong", setting("kong", capabilities=("NET_ADMIN",))),
    "root": Seed("users", "query", setting("query", user="0:0")),
    "an image's own root": Seed("users", "redis", setting("redis", user="")),
    "a password in the environment": Seed(
        "secrets", "grafana", environment("grafana", GF_SECURITY_ADMIN_PASSWORD="hi")
    ),
    "a key in the environment": Seed("secrets", "qdrant-0", environment("qdrant-0", QDRANT__SERVICE__API_KEY="open")),
    "a password in a URL": Seed("secrets", "query", environment("query", DATABASE_URL="postgresql://me:pw@db/rag")),
    "a random value": Seed("secrets", "query", environment("query", COLOUR=RANDOM)),
    "a hexadecimal value": Seed("secrets", "query", environment("query", COLOUR="0a" * 16)),
    "one of the stack's secrets": Seed("secrets", "query", environment("query", SIGNED_BY="jwtSecret-app")),
    "a password in a command": Seed(
        "secrets", "redis", setting("redis", command=("redis-server", "--requirepass", "pw"))
    ),
    "a password in a shell's command": Seed(
        "secrets", "redis", setting("redis", command=("sh", "-c", "PGPASSWORD=pw psql"))
    ),
    "a token in a health check": Seed("secrets", "kong", setting("kong", health=("CMD", "ask", "--token=letmein"))),
    "a port that is another's": Seed("ports", "query", port("query", ("127.0.0.1", 8201, 8202))),
    "a port that is nobody's": Seed("ports", "models", port("models", ("127.0.0.1", 22, 22))),
    "a port without the stack's offset": Seed(
        "ports", "redis", port("redis", ("127.0.0.1", 6380, 6379)), {"portOffset": 500}
    ),
    "a port that is open": Seed("ports", "redis", port("redis", ("0.0.0.0", 6380, 6379))),
    "a port twice": Seed("ports", "kong", port("kong", *[("127.0.0.1", 8000, 8000)] * 2)),
    "one copy on three nodes": Seed(
        "replication", "", lambda manifest: Manifest(**{**vars(manifest), "replication": (1, 1)})
    ),
    "writes that one acknowledges": Seed(
        "replication", "", lambda manifest: Manifest(**{**vars(manifest), "replication": (3, 1)})
    ),
    "data without a volume": Seed("volumes", "timescaledb", setting("timescaledb", volumes={})),
    "data that two would write": Seed("strategies", "qdrant-2", setting("qdrant-2", strategy="create-first")),
    "what stays away": Seed("restarts", "redis", setting("redis", restarts=False)),
    "a job for ever": Seed("restarts", "models", setting("models", restarts=True)),
}


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS.keys())
def test_a_violation_is_named_with_its_component_and_nothing_else_is(seed: Seed) -> None:
    given, clean = settings(target="docker", **seed.settings), manifest_of(target="docker", **seed.settings)
    assert broken(clean, given) == []
    assert broken(seed.change(clean), given) == [(seed.breaks, seed.component)]


def test_at_least_twenty_violations_are_seeded_and_each_rule_is_broken_by_one() -> None:
    assert len(SEEDS) >= 20
    assert {seed.breaks for seed in SEEDS.values()} == {rule.name for rule in RULES}


CLEAN: list[dict[str, Any]] = [{}, {"chaos": False}, {"qdrantNodes": 1}, {"portOffset": 700, "consumers": ["a", "b"]}]


@pytest.mark.parametrize("given", CLEAN, ids=str)
def test_a_clean_stack_of_processes_keeps_every_rule(given: dict[str, Any]) -> None:
    assert broken(manifest_of(**given), settings(**given)) == []


@pytest.mark.parametrize("given", CLEAN, ids=str)
def test_a_clean_stack_of_containers_keeps_every_rule(given: dict[str, Any]) -> None:
    assert broken(manifest_of(target="docker", **given), settings(target="docker", **given)) == []


def test_rules_about_containers_do_not_concern_processes() -> None:
    local = manifest_of()
    assert not any(one.limits for one in local.components)
    assert {one.networks for one in local.components} == {("host",)}
    assert broken(changed(local, "redis", restarts=False), LOCAL) == [("restarts", "redis")]


def test_where_limits_are_not_enforced_the_designs_are_held_to_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.policy.reliability.BUDGET_MEMORY_MB", 1000)
    assert broken(manifest_of(), LOCAL) == [("budget", "")]


@pytest.mark.parametrize(
    ("variables", "command"),
    [
        ({"DATABASE_PASSWORD_FILE": "/run/secret/database_password"}, ()),
        ({"GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/grafanaPassword"}, ()),
        ({"MAX_TOKENS": "512", "KEYSPACE": "rag", "MONKEY": "barrel"}, ()),
        ({"TLS_KEY": "/etc/tls/key.pem", "TOKEN": ""}, ()),
        ({"GENERATION_MODEL": "hf.co/bartowski/Qwen2.5-Coder-7B-Instruct-GGUF:Q4_K_M"}, ()),
        ({"DATA_ROOT": "/home/me/MyProject2024Version/Data0123456789ABCabc"}, ()),
        ({"RUNS": f"docker.io/library/redis@{DIGEST}"}, ()),
        ({"CORS": "http://localhost:3103,http://user@host:1"}, ()),
        ({}, ("sh", "-c", 'redis-server --requirepass "$(cat /run/secrets/redis)"')),
        ({}, ("serve", "--password-file", "/run/database_password", "--token-file=token")),
        ({}, ("serve", "--no-password", "--host", "127.0.0.1")),
    ],
)
def test_what_only_sounds_like_a_secret_is_none(variables: dict[str, str], command: tuple[str, ...]) -> None:
    assert broken(changed(manifest_of(target="docker"), "query", environment=variables, command=command), DOCKER) == []


def test_a_secrets_value_is_not_told() -> None:
    told = violations(
        changed(manifest_of(target="docker"), "query", environment={"A": RANDOM, "B_SECRET": "tiny"}),
        topology_of(DOCKER),
        DOCKER,
    )
    assert len(told) == 2
    assert not any(value in str(told) for value in (RANDOM, "tiny"))


def test_every_secret_of_a_stack_is_known_wherever_it_shows() -> None:
    for name in secret_names(DOCKER):
        shown = changed(manifest_of(target="docker"), "query", command=("serve", f"--greeting={name}"))
        assert broken(shown, DOCKER) == [("secrets", "query")], name


def test_a_component_that_the_design_does_not_know_may_publish_nothing() -> None:
    clean = manifest_of(target="docker")
    assert broken(clean, settings(target="docker", chaos=False)) == [("ports", "toxiproxy")]
    assert broken(without(clean, "toxiproxy"), settings(target="docker", chaos=False)) == []


def test_a_stack_that_breaks_rules_is_refused_with_each_and_its_repair() -> None:
    bad = changed(changed(manifest_of(target="docker"), "redis", restarts=False), "kong", health=())
    with pytest.raises(PolicyError) as refused:
        hold(bad, topology_of(DOCKER), DOCKER)
    assert "[health] kong: it has no health check; give it the check" in str(refused.value)
    assert "[restarts] redis: it stays away when it ends; have it restarted" in str(refused.value)
    hold(manifest_of(target="docker"), topology_of(DOCKER), DOCKER)
