from collections.abc import Callable, Sequence
from dataclasses import replace

import yaml

from infra.gateway import gateway_files, is_live
from infra.settings import Settings
from infra.topology import topology
from tests.settings import settings

SETTINGS = settings(portOffset=100, rateLimitMinute=7, rateLimitHour=70)


def files(settings: Settings, secrets_of: Callable[[str], Sequence[str]] = lambda name: [name * 16]) -> dict[str, str]:
    secrets = {f"jwtSecret-{name}": secrets_of(name) for name in settings.consumers}
    shape = topology(settings.port_offset, candidates=bool(settings.candidate))
    address = lambda _consumer, name: f"127.0.0.1:{shape.component(name).port('http').host}"  # noqa: E731
    return gateway_files(shape, settings, address, secrets, directory="/run/kong")


def test_a_stacks_settings_and_secrets_reach_kong_yml() -> None:
    kong = yaml.safe_load(files(SETTINGS)["kong.yml"])
    limits = {plugin["name"]: plugin["config"] for plugin in kong["plugins"]}["rate-limiting"]
    assert (limits["minute"], limits["hour"]) == (7, 70)
    assert kong["consumers"][0]["jwt_secrets"][0]["secret"] == "app" * 16


def test_the_ports_are_the_topologys() -> None:
    written = files(SETTINGS)
    assert '"port_value": 8100' in written["lds.json"]
    assert '"port_value": 8101' in written["bootstrap.json"]


def test_each_consumer_has_its_file() -> None:
    names = {name.rpartition("-")[0] or name for name in files(replace(SETTINGS, consumers=("app", "console")))}
    envoy = {"bootstrap.json", "lds.json", "cds.json", "rds.json", "jwt.json"}
    assert names == {"kong.yml", *envoy, "jwks-app", "jwks-console"}


def test_other_secrets_change_only_what_the_gateway_takes_up_as_it_runs() -> None:
    before = files(SETTINGS)
    after = files(SETTINGS, lambda name: [name * 16, name * 17])
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert len(changed) == 4  # the keys' old and new file among them
    assert all(map(is_live, changed))


def test_the_gateway_takes_up_other_weights_as_it_runs_and_a_candidate_that_comes_or_goes() -> None:
    weights = [settings(candidate="0.2.0", candidateWeights=[f"query={share}"]) for share in (0, 10)]
    before, idle, some = (files(one) for one in (settings(), *weights))
    assert {name for name in idle if idle[name] != some[name]} == {"kong.yml", "rds.json"}
    assert {name for name in idle if idle[name] != before[name]} == {"kong.yml", "cds.json", "rds.json"}
    assert all(map(is_live, ("kong.yml", "cds.json", "rds.json")))
    assert not any(map(is_live, ("bootstrap.json", "lds.json")))
