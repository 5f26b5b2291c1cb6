"""The docker target's whole program under mocks: what it registers, exactly, and what a change changes.

`python -m tests.infra.docker.program` writes the golden files anew.
"""

import collections.abc
import inspect
import json
import re
import typing
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi_docker import _inputs, container, network, provider, remote_image, volume

from infra.secret import SecretState
from infra.settings import Settings
from infra.targets.deployment import topology_of
from infra.targets.docker import checks, containers
from infra.targets.docker.deploy import outputs
from infra.targets.docker.place import host_of
from infra.targets.services import SERVICES
from infra.topology import RELEASED, candidate_of, topology
from tests.infra.docker.program import GOLDEN, ROLLOUT, STACKS, Registered, beside, golden, registered, settings

CONTAINER, DYNAMIC = "docker:index/container:Container", "pulumi-python:dynamic/docker:"
ARGUMENTS: Mapping[str, type] = {
    CONTAINER: container.ContainerArgs,
    "docker:index/network:Network": network.NetworkArgs,
    "docker:index/volume:Volume": volume.VolumeArgs,
    "docker:index/remoteImage:RemoteImage": remote_image.RemoteImageArgs,
    "pulumi:providers:docker": provider.ProviderArgs,
}
Resourced = Mapping[str, Registered]


@pytest.fixture(scope="module")
def stacks() -> dict[str, Resourced]:
    return {stack: registered(settings(stack)) for stack in STACKS}


@pytest.fixture(scope="module")
def rollouts() -> dict[str, Resourced]:
    return {stack: registered(settings(stack, **ROLLOUT)) for stack in STACKS}


@pytest.fixture
def production(stacks: dict[str, Resourced]) -> Resourced:
    return stacks["production"]


def of(resources: Resourced, component: str) -> Registered:
    (found,) = (one for name, one in resources.items() if re.fullmatch(rf"breakwater-\w+-{component}", name))
    return found


def running(resources: Resourced) -> dict[str, Registered]:
    """The containers that run, by their component."""
    found = {labels(one).get("breakwater.component", ""): one for one in resources.values() if one.type == CONTAINER}
    found.pop("", None)
    return found


def labels(one: Registered) -> dict[str, str]:
    return {label["label"]: label["value"] for label in one.inputs["labels"]}


def changed(before: Resourced, after: Resourced) -> set[str]:
    """What would be another container, job or look at the stack."""
    assert before.keys() == after.keys()
    return touched(before, after)


def touched(before: Resourced, after: Resourced) -> set[str]:
    """The same of what there is before and after, where something comes or goes."""
    both = before.keys() & after.keys()
    return {re.sub(r"^breakwater-\w+-", "", name) for name in both if regarded(before[name]) != regarded(after[name])}


def regarded(one: Registered) -> dict[str, Any]:
    """The inputs of which Pulumi regards a change."""
    return {name: value for name, value in one.inputs.items() if name not in one.options.get("ignoreChanges", ())}


# What is registered


@pytest.mark.parametrize("stack", STACKS)
def test_the_resources_are_those_that_were_reviewed(stacks: dict[str, Resourced], stack: str) -> None:
    reviewed = (GOLDEN / f"{stack}.yaml").read_text()
    assert golden(stacks[stack]) == reviewed, "python -m tests.infra.docker.program writes the file anew"


@pytest.mark.parametrize("stack", STACKS)
def test_what_a_rollout_adds_and_changes_is_what_was_reviewed(stacks: dict[str, Resourced], stack: str) -> None:
    reviewed = (GOLDEN / f"{stack}-rollout.yaml").read_text()
    assert beside(stack, stacks[stack]) == reviewed, "python -m tests.infra.docker.program writes the file anew"


def test_every_component_runs_and_nothing_else_does(stacks: dict[str, Resourced]) -> None:
    for stack, resources in stacks.items():
        shape = topology(chaos=bool(STACKS[stack]["chaos"]), observability=True)
        jobs = {name for name, one in resources.items() if one.type == f"{DYNAMIC}Job"}
        assert running(resources).keys() | jobs == shape.by_name.keys()


def test_two_stacks_of_one_engine_share_no_name_no_port_and_no_volume(stacks: dict[str, Resourced]) -> None:
    taken = [
        {
            *(one.name for one in resources.values() if one.type.startswith("docker:") and "Image" not in one.type),
            *(port["external"] for one in resources.values() for port in one.inputs.get("ports", ())),
            *(edge for edge in re.findall(r'"listen": "([^"]+)"', str(resources))),
        }
        for resources in stacks.values()
    ]
    assert all(taken)
    assert not taken[0] & taken[1]


# What pulumi_docker takes


@pytest.mark.parametrize("stack", STACKS)
def test_every_argument_is_one_of_the_installed_pulumi_docker_and_has_its_type(
    rollouts: dict[str, Resourced], stack: str
) -> None:
    found = [
        trouble
        for one in rollouts[stack].values()
        if one.type in ARGUMENTS
        for trouble in misfits(one.inputs, ARGUMENTS[one.type], one.name)
    ]
    assert found == []
    assert {one.type for one in rollouts[stack].values() if one.type.startswith("docker:")} <= ARGUMENTS.keys()


def test_a_wrong_argument_would_be_seen() -> None:
    wrong = {"image": 1, "heathcheck": {}, "ports": [{"internal": "80"}], "tmpfs": {"/tmp": 1}, "cpus": 0.5}
    assert sorted(misfits(wrong, container.ContainerArgs, "x")) == [
        "x.cpus: 0.5 is not <class 'str'>",
        "x.heathcheck: no such argument",
        "x.image: 1 is not <class 'str'>",
        "x.ports[0].internal: '80' is not <class 'int'>",
        "x.tmpfs[/tmp]: 1 is not <class 'str'>",
    ]


def misfits(value: Any, wanted: Any, where: str) -> list[str]:
    """What in a value that was registered is not as pulumi_docker's types say; a secret is what is in it."""
    if isinstance(value, dict) and value.keys() == {"secret"}:
        value = value["secret"]
    wanted = _bare(wanted)
    if pulumi._types.is_input_type(wanted):
        hints = {pulumi_name(wanted, name): hint for name, hint in _hints(wanted).items()}
        return [
            trouble
            for key, one in value.items()
            for trouble in (
                misfits(one, hints[key], f"{where}.{key}") if key in hints else [f"{where}.{key}: no such argument"]
            )
        ]
    if origin := typing.get_origin(wanted):  # Mapping[str, held] or Sequence[held]
        held = typing.get_args(wanted)[-1]
        parts = value.items() if issubclass(origin, collections.abc.Mapping) else enumerate(value)
        return [trouble for key, one in parts for trouble in misfits(one, held, f"{where}[{key}]")]
    right = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
    return [] if right else [f"{where}: {value!r} is not {wanted}"]


def _bare(hint: Any) -> Any:
    """A type without all that Input and Optional put around it: of a union the first that is a plain value's."""
    while typing.get_origin(hint) is typing.Union:
        wrapped = {pulumi.Output, collections.abc.Awaitable}
        hint = next(one for one in typing.get_args(hint) if one and typing.get_origin(one) not in wrapped)
    return hint


def _hints(arguments: type) -> dict[str, Any]:
    known = vars(inspect.getmodule(arguments)) | vars(_inputs) | {"pulumi": pulumi}
    hints = typing.get_type_hints(arguments.__init__, known)  # type: ignore[misc]
    return {name: hint for name, hint in hints.items() if name != "return"}


def pulumi_name(arguments: type, name: str) -> str:
    """An argument's name as Pulumi's engine has it."""
    return str(getattr(arguments, name).fget._pulumi_name)


# How a container runs


def test_no_container_has_a_right_a_secret_in_its_environment_or_a_root_that_can_be_written(
    stacks: dict[str, Resourced],
) -> None:
    for component, one in [pair for resources in stacks.values() for pair in running(resources).items()]:
        assert one.inputs["readOnly"], component
        assert one.inputs["capabilities"] == {"drops": ["ALL"]}, component
        assert one.inputs["securityOpts"] == ["no-new-privileges:true"], component
        assert "privileged" not in one.inputs, component
        assert "user" in one.inputs or component == "ollama"  # whose image has root only
        assert "<" not in str(one.inputs["envs"]), component  # as the secrets begin here
        assert one.inputs["memorySwap"] == one.inputs["memory"], component


def test_every_container_is_waited_for_and_replaced_by_whatever_changes(stacks: dict[str, Resourced]) -> None:
    for component, one in [pair for resources in stacks.values() for pair in running(resources).items()]:
        assert one.inputs["wait"], component
        assert one.inputs["waitTimeout"] >= 60, component
        assert one.inputs["healthcheck"]["tests"][0] == "CMD", component
        assert one.options["replaceOnChanges"] == ["*"], component
        # The provider kills at once what has no time of its own.
        assert one.inputs["destroyGraceSeconds"] == one.inputs["stopTimeout"] >= 30, component


def test_the_provider_reads_cpus_and_times_as_they_are_written_here(stacks: dict[str, Resourced]) -> None:
    """What it reads otherwise would be a change of every `up`, and replace the container."""
    for component, one in [pair for resources in stacks.values() for pair in running(resources).items()]:
        assert one.inputs["cpus"] == as_the_provider_reads(one.inputs["cpus"]), component
        for name in ("interval", "timeout", "startPeriod"):
            assert re.fullmatch(r"(\d+m)?[1-5]?\ds", one.inputs["healthcheck"][name]), component
        assert all(re.fullmatch("CAP_[A-Z_]+", one) for one in one.inputs["capabilities"].get("adds", ())), component
        inner = [port["internal"] for port in one.inputs.get("ports", ())]
        assert inner == sorted(inner), component


def as_the_provider_reads(cpus: str) -> str:
    """terraform-provider-docker's nanoInt64ToDecimalString, with its mistake: 0.05 becomes 0.1."""
    text = f"{float(cpus):.9f}"
    return f"{float(cpus):.1f}" if text.count("0") == 9 else text.rstrip("0")


def test_the_mistake_of_the_provider_is_known() -> None:
    assert [as_the_provider_reads(one) for one in ("2", "0.6", "0.25", "0.05")] == ["2.0", "0.6", "0.25", "0.1"]


def test_only_the_gateways_port_is_for_everybody_and_services_have_none(production: Resourced) -> None:
    bound = {
        (component, port["ip"], port["internal"])
        for component, one in running(production).items()
        for port in one.inputs.get("ports", ())
    }
    assert {one for one in bound if one[1] != "127.0.0.1"} == {("kong", "0.0.0.0", 8000)}
    assert not {component for component, *_ in bound} & SERVICES.keys()


def test_only_what_publishes_is_in_a_network_that_leads_in_and_only_ollama_in_one_that_leads_out(
    stacks: dict[str, Resourced],
) -> None:
    for stack, resources in stacks.items():
        for component, one in running(resources).items():
            joined = {net["name"].removeprefix(f"breakwater-{stack}-") for net in one.inputs["networksAdvanced"]}
            leads = "egress" if component == "ollama" else "edge"
            assert joined == {"internal", *([leads] if one.inputs.get("ports") else [])}, component
        assert of(resources, "internal").inputs["internal"] is True


# How it is replaced


def test_a_service_is_there_before_the_old_one_goes_and_everything_else_goes_first(production: Resourced) -> None:
    first = {name: one for name, one in running(production).items() if not one.options["deleteBeforeReplace"]}
    assert first.keys() == SERVICES.keys()
    # Two of a name cannot be, nor two with one port.
    assert not [name for name, one in first.items() if one.inputs.keys() & {"name", "ports"}]


def test_in_a_chaos_stack_everything_goes_first(stacks: dict[str, Resourced]) -> None:
    assert all(one.options["deleteBeforeReplace"] for one in running(stacks["chaos"]).values())


def test_those_that_call_a_service_call_one_container_of_it(production: Resourced) -> None:
    again = registered(settings("production"), generation="2")
    assert changed(production, again) == {"collections", "rag-service", "gateway-config"}
    assert "QUERY_URL=http://breakwater-production-query-2:8202" in of(again, "rag-service").inputs["envs"]


def test_the_gateway_goes_by_a_new_container_before_the_old_one_goes(production: Resourced) -> None:
    gateway = production["gateway-config"]
    services = {f"breakwater-production-{name}" for name in SERVICES}
    assert services <= gateway.after
    assert services <= gateway.told["config"]
    assert "gateway-config" in of(production, "kong").after
    # Kong itself is not replaced with them.
    assert not services & frozenset().union(*of(production, "kong").told.values())


def test_no_two_of_what_keeps_data_are_replaced_at_a_time_and_a_node_only_behind_a_look_at_the_others(
    stacks: dict[str, Resourced],
) -> None:
    for resources in stacks.values():
        data = {c.name for c in topology(observability=True).components if c.stateful}
        waits = {name: reached(resources, of(resources, name).name) for name in data}
        for one in data:
            for other in data - {one}:
                assert of(resources, other).name in waits[one] or of(resources, one).name in waits[other], (one, other)
        for node in ("qdrant-0", "qdrant-1", "qdrant-2"):
            assert f"{node}-replaceable" in of(resources, node).after
            before = {of(resources, one).name for one in data} & waits[node]
            assert before <= reached(resources, f"{node}-replaceable"), node
        # By order alone: a property would have a node deleted together with the one before it.
        for name in data:
            told = frozenset().union(*of(resources, name).told.values())
            assert not {one for one in told if re.search("-(healthy|replaceable|formed)$", one)}
            assert not told & {of(resources, other).name for other in data}


def reached(resources: Resourced, name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for after in resources[waiting.pop()].after - found:
            found.add(after)
            waiting.append(after)
    return found


def test_everything_starts_after_what_it_needs(stacks: dict[str, Resourced]) -> None:
    for stack, resources in stacks.items():
        shape = topology(chaos=bool(STACKS[stack]["chaos"]), observability=True)
        declared = running(resources) | {n: one for n, one in resources.items() if one.type == f"{DYNAMIC}Job"}
        for name, one in declared.items():
            assert {declared[need].name for need in shape.needs(name)} <= one.after, name


def test_nothing_is_touched_before_what_it_needs_was_seen_to_be_healthy(stacks: dict[str, Resourced]) -> None:
    for stack, resources in stacks.items():
        shape = topology(chaos=bool(STACKS[stack]["chaos"]), observability=True)
        declared = running(resources) | {n: one for n, one in resources.items() if one.type == f"{DYNAMIC}Job"}
        for name, one in running(resources).items():
            healthy = resources[f"{name}-healthy"]
            assert healthy.told["container"] == {one.name}
        for name, one in declared.items():
            watched = {f"{need}-healthy" for need in shape.needs(name)} & resources.keys()
            assert watched <= one.after, name
        assert "cluster-formed" in declared["query"].after
        assert {f"{node}-healthy" for node in ("qdrant-0", "qdrant-1", "qdrant-2")} <= reached(
            resources, "cluster-formed"
        )
        assert {f"{name}-healthy" for name in SERVICES} <= resources["gateway-config"].after
        # No service waits for what only watches.
        assert not reached(resources, of(resources, "kong").name) & {of(resources, "alertmanager").name}


def test_volumes_with_data_are_kept_by_whatever_pulumi_does(production: Resourced) -> None:
    volumes = {one.name: one.options for one in production.values() if one.type == "docker:index/volume:Volume"}
    kept = {name for name, options in volumes.items() if options.get("protect") and options.get("retainOnDelete")}
    wanted = {v.name for c in topology(observability=True).components for v in c.volumes}
    assert kept == {f"breakwater-production-{name}" for name in wanted}
    assert volumes.keys() - kept == {"breakwater-production-kong-config"}


def test_what_holds_a_secret_is_secret_to_pulumi_and_what_does_not_can_be_read(production: Resourced) -> None:
    uploads = {
        (name, upload["file"]): isinstance(upload["content"], dict)
        for name, one in production.items()
        for upload in one.inputs.get("uploads", ())
    }
    secret = {file.rpartition("/")[2] for (_, file), hidden in uploads.items() if hidden}
    assert secret == {"database_password", "inter_service_secret", "grafanaPassword"}
    assert isinstance(production["gateway-config"].inputs["config"], dict)
    assert {"secret": "<databasePassword>"} in production["migrations"].inputs["files"].values()


# Two releases side by side


def test_each_release_runs_its_own_images_says_its_name_and_calls_its_own(rollouts: dict[str, Resourced]) -> None:
    services = running(rollouts["production"])
    for suffix, release in (("", "0.1.0"), ("-next", ROLLOUT["candidate"])):
        for service in RELEASED:
            one = services[f"{service}{suffix}"]
            assert one.inputs["image"] == f"breakwater/{service}:{release}"
            assert f"RELEASE={release}" in one.inputs["envs"]
            assert one.inputs["networksAdvanced"][0]["aliases"] == [f"{service}{suffix}"]
        calls = {"rag-service": ("QUERY_URL", "query", 8202), "collections": ("INGESTION_URL", "ingestion", 8201)}
        for caller, (variable, called, port) in calls.items():
            url = f"{variable}=http://breakwater-production-{called}{suffix}-1:{port}"
            assert url in services[f"{caller}{suffix}"].inputs["envs"]


def test_the_gateway_shares_requests_out_by_the_weights(rollouts: dict[str, Resourced]) -> None:
    def targets(stack: str) -> dict[str, list[tuple[str, int]]]:
        config = yaml.safe_load(rollouts[stack]["gateway-config"].inputs["config"]["secret"])
        return {one["name"]: [(t["target"], t["weight"]) for t in one["targets"]] for one in config["upstreams"]}

    assert targets("production") == {
        "ingestion": [
            ("breakwater-production-ingestion-1:8201", 100),
            ("breakwater-production-ingestion-next-1:8201", 0),
        ],
        "query": [("breakwater-production-query-1:8202", 90), ("breakwater-production-query-next-1:8202", 10)],
        "collections": [
            ("breakwater-production-collections-1:3403", 50),
            ("breakwater-production-collections-next-1:3403", 50),
        ],
        "rag-service": [
            ("breakwater-production-rag-service-1:3402", 0),
            ("breakwater-production-rag-service-next-1:3402", 100),
        ],
    }
    assert targets("chaos")["query"] == [("toxiproxy:21150", 90), ("toxiproxy:21205", 10)]
    (proxies,) = (upload["content"] for upload in of(rollouts["chaos"], "toxiproxy-files").inputs["uploads"])
    to = {proxy["listen"]: proxy["upstream"] for proxy in json.loads(proxies)}
    assert (to["0.0.0.0:21150"], to["0.0.0.0:21205"]) == ("query:8202", "query-next:8202")


def test_candidates_come_go_and_get_requests_by_the_gateways_configuration_alone(
    stacks: dict[str, Resourced], rollouts: dict[str, Resourced]
) -> None:
    for stack, alone in stacks.items():
        assert touched(alone, rollouts[stack]) == {"gateway-config"}


def test_a_promotion_replaces_the_services_and_touches_no_candidate(rollouts: dict[str, Resourced]) -> None:
    new, everything = ROLLOUT["candidate"], [f"{service}=100" for service in RELEASED]
    promoted = registered(settings("production", release=new, candidate=new, candidateWeights=everything))
    looks = {"cluster-formed", *(f"qdrant-{node}-replaceable" for node in range(3))}
    services = {*RELEASED, "models", "migrations", "gateway-config", *looks}
    assert touched(rollouts["production"], promoted) == services
    assert {one.inputs["image"].rpartition(":")[2] for name, one in running(promoted).items() if name in RELEASED} == {
        new
    }


def test_candidates_are_published_where_the_services_are(rollouts: dict[str, Resourced]) -> None:
    """For that a rollout can look at them; on ports of their own, in the network that leads in."""
    with_a_gap = registered(settings("production", **ROLLOUT, stopFirst=list(RELEASED)))
    for stack, resources, wanted in (
        ("chaos", rollouts["chaos"], {"query": 8302, "query-next": 8357}),
        ("production", with_a_gap, {"query": 8202, "query-next": 8257}),
    ):
        found = running(resources)
        bound = [port["external"] for one in found.values() for port in one.inputs.get("ports", ())]
        assert len(bound) == len(set(bound))
        for component in (*RELEASED, *map(candidate_of, RELEASED)):
            (port,) = found[component].inputs["ports"]
            assert port["ip"] == "127.0.0.1"
            assert port["external"] == wanted.get(component, port["external"])
            joined = [net["name"] for net in found[component].inputs["networksAdvanced"]]
            assert joined == [f"breakwater-{stack}-internal", f"breakwater-{stack}-edge"]


# What a change changes


def after(patch: pytest.MonkeyPatch, before: Resourced, given: Settings | None = None) -> set[str]:
    try:
        return changed(before, registered(given or settings("production")))
    finally:
        patch.undo()


def test_a_changed_file_is_another_holder_for_those_that_read_it_alone(
    production: Resourced, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(containers, "_REDIS", containers._REDIS + "# another line\n")
    assert after(monkeypatch, production) == {"redis-files", "redis"}  # redis by its label, the digest of all of it
    other = tmp_path / "collections-config.json"
    other.write_text('{"collections": []}')
    readers = {"ingestion", "collections", "ingestion-files", "collections-files", "migrations"}
    assert after(monkeypatch, production, settings("production", collectionsFile=str(other))) == readers


def test_a_changed_health_check_or_tmpfs_changes_that_container_alone(
    production: Resourced, monkeypatch: pytest.MonkeyPatch
) -> None:
    for item, value in {"tmpfs": {"/tmp": "size=1m"}, "check": checks.wget(1, "/", 30)}.items():
        make = containers._CONTAINERS["kong"]
        monkeypatch.setitem(
            containers._CONTAINERS,
            "kong",
            lambda *given, make=make, item=item, value=value: replace(make(*given), **{item: value}),
        )
        assert after(monkeypatch, production) == {"kong"}, item


@pytest.mark.parametrize(
    ("secret", "readers"),
    [
        ("interServiceSecret", {f"{service}-files" for service in SERVICES}),
        (
            "databasePassword",
            {"migrations", *(f"{name}-files" for name in ("timescaledb", "ingestion", "query", "collections"))},
        ),
        ("grafanaPassword", {"grafana-files"}),
        ("jwtSecret-app", {"gateway-config"}),
    ],
)
def test_a_changed_secret_reaches_those_that_read_it_alone(
    production: Resourced, monkeypatch: pytest.MonkeyPatch, secret: str, readers: set[str]
) -> None:
    state = SecretState.accepted.fget  # type: ignore[attr-defined]
    other = property(lambda self: tuple(f"<{secret}>!" if one == f"<{secret}>" else one for one in state(self)))
    monkeypatch.setattr(SecretState, "accepted", other)
    assert after(monkeypatch, production) == readers


def test_a_holder_that_changes_is_another_container_and_so_changes_its_reader(production: Resourced) -> None:
    for name, one in running(production).items():
        if f"breakwater-production-{name}-files" in production:
            assert f"breakwater-production-{name}-files" in one.told["volumes"], name


def test_an_image_that_is_built_again_replaces_what_runs_it_and_runs_the_jobs_again(production: Resourced) -> None:
    looks = {"cluster-formed", *(f"qdrant-{node}-replaceable" for node in range(3))}
    again = registered(settings("production"), build="!")
    assert changed(production, again) == {*SERVICES, "models", "migrations", *looks}


def test_the_outputs_name_what_is_published_and_nothing_else(stacks: dict[str, Resourced]) -> None:

    for stack, resources in stacks.items():
        given = settings(stack)
        ports = outputs(topology_of(given), given)["ports"]
        bound = {port["external"] for one in running(resources).values() for port in one.inputs.get("ports", ())}
        assert set(ports.values()) == bound


def test_the_engines_machine_is_where_the_gateway_is() -> None:
    hosts = {"": "127.0.0.1", "unix:///var/run/docker.sock": "127.0.0.1", "ssh://me@gpu-1": "gpu-1"}
    assert {given: host_of(given) for given in hosts} == hosts
