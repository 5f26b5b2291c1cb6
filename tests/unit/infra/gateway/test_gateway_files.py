from dataclasses import replace
from pathlib import Path

import yaml

from infra.gateway import gateway_files
from infra.settings import Settings
from infra.topology import topology

SETTINGS = Settings(
    stack="test",
    target="local",
    port_offset=100,
    chaos=True,
    use_path=False,
    embedding_model="m",
    generation_model="m",
    collections_file=Path("c.json"),
    data_root=Path(),
    docs_root=Path(),
    consumers=("app",),
    rate_limit_minute=7,
    rate_limit_hour=70,
    cors_origins=("http://localhost:3103",),
    legacy_routes=True,
)


def files(settings: Settings) -> dict[str, str]:
    secrets = {f"jwtSecret-{name}": name * 16 for name in settings.consumers}
    shape = topology(settings.port_offset)
    return gateway_files(shape, settings, lambda _c, _d: "127.0.0.1:1", secrets, directory="/run/kong")


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
    names = set(files(replace(SETTINGS, consumers=("app", "console"))))
    envoy = {"bootstrap.json", "lds.json", "cds.json", "rds.json"}
    assert names == {"kong.yml", *envoy, "jwks-app.json", "jwks-console.json"}
