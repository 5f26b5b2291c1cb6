from typing import Any

from infra.probes.gateway import compare, envoy_consumers, envoy_versions, wanted

FILES = {name: f'{{"version_info": "{name} 1"}}' for name in ("lds.json", "cds.json", "rds.json", "jwt.json")}
WANTED = wanted(FILES, envoy=True)


def dump(*, routes: str = "rds.json 1", consumers: tuple[str, ...] = ("app",)) -> dict[str, Any]:
    """The parts of Envoy's /config_dump that are read, as it answers them."""
    providers: dict[str, Any] = {name: {} for name in consumers}
    jwt = {"name": "envoy.filters.http.jwt_authn", "typed_config": {"providers": providers}}
    parts: dict[str, dict[str, Any]] = {
        "BootstrapConfigDump": {},
        "ClustersConfigDump": {
            "version_info": "cds.json 1",
            "dynamic_active_clusters": [{"version_info": "one that came earlier"}],
        },
        "ListenersConfigDump": {"version_info": "lds.json 1"},
        "RoutesConfigDump": {"dynamic_route_configs": [{"version_info": routes}]},
        "EcdsConfigDump": {"ecds_filters": [{"version_info": "jwt.json 1", "ecds_filter": jwt}]},
    }
    return {
        "configs": [{"@type": f"type.googleapis.com/envoy.admin.v3.{kind}", **part} for kind, part in parts.items()]
    }


def told(found: dict[str, Any]) -> list[tuple[str, str]]:
    seen = envoy_versions(found), envoy_consumers(found)
    return [(drift.kind, drift.what) for drift in compare(WANTED, ("app",), seen)]


def test_the_rendered_configuration_in_force_is_no_drift() -> None:
    assert told(dump()) == []


def test_another_version_of_a_file_is_told() -> None:
    assert told(dump(routes="by hand")) == [("gateway", "rds.json")]
    assert told({"configs": []}) == [*(("gateway", name) for name in FILES), ("consumer", "app")]


def test_consumers_too_few_and_too_many_are_told() -> None:
    assert told(dump(consumers=("stranger",))) == [("consumer", "app"), ("consumer", "stranger")]


def test_kong_tells_the_md5_of_its_file() -> None:
    versions = wanted({"kong.yml": "_format_version: '3.0'\n"}, envoy=False)
    assert versions == {"kong.yml": "d77d2ce3e8823b105929691c9b13ae54"}
    assert list(compare(versions, ("app",), (versions, frozenset({"app"})))) == []
    (told,) = compare(versions, ("app",), ({"kong.yml": "0" * 32}, frozenset({"app"})))
    assert (told.kind, told.what) == ("gateway", "kong.yml")
