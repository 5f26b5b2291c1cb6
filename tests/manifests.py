"""Manifests of stacks for tests, with one component or another changed."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

from infra.manifest import Manifest
from infra.targets.deployment import wanted
from tests.settings import settings


def manifest_of(**given: Any) -> Manifest:
    """What a stack with these settings is to consist of."""
    return _manifest_of(json.dumps(given))


@cache
def _manifest_of(given: str) -> Manifest:
    return wanted(settings(**json.loads(given)))


def changed(manifest: Manifest, component: str, **fields: Any) -> Manifest:
    """The manifest with fields of a component replaced."""
    assert manifest.component(component)
    components = (replace(one, **fields) if one.component == component else one for one in manifest.components)
    return replace(manifest, components=tuple(components))


def without(manifest: Manifest, *names: str) -> Manifest:
    """The manifest with components taken out."""
    return replace(manifest, components=tuple(one for one in manifest.components if one.component not in names))
