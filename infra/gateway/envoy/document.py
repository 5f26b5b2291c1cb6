"""Small helpers for reading kong.yml and writing Envoy's configuration."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]


def plugin(of: Mapping[str, Any], name: str) -> Json:
    """The configuration of the plugin `name` that holds for every request, or for all of a service."""
    config: Json = next(p["config"] for p in of["plugins"] if p["name"] == name)
    return config


def typed(message: str, **config: Any) -> Json:
    """An `Any` of Envoy's: `config` as the message of that name below `envoy.`."""
    return {"@type": f"type.googleapis.com/envoy.{message}", **config}


def resources(message: str, items: Iterable[Json]) -> str:
    """The text of a discovery file that holds `items` of that type.

    Its version is a digest of them: Envoy's /config_dump tells by it which file it goes by.
    """
    typed_items = [typed(message, **item) for item in items]
    version = hashlib.sha256(text({"resources": typed_items}).encode()).hexdigest()[:16]
    return text({"version_info": version, "resources": typed_items})


def text(document: Json) -> str:
    """`document` as a file's text."""
    return json.dumps(document, indent=1) + "\n"


def seconds(milliseconds: float) -> str:
    """Milliseconds as Envoy writes a duration."""
    return f"{milliseconds / 1000:g}s"


def file_source(directory: str, name: str) -> Json:
    """A discovery file; Envoy reads it again when another is moved into its place."""
    return {"path_config_source": {"path": f"{directory}/{name}"}, "resource_api_version": "V3"}
