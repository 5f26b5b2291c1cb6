"""What a stack is configured with, read without Pulumi: its Pulumi.<stack>.yaml over the defaults of Pulumi.yaml."""

from pathlib import Path
from typing import Any

import yaml

from infra.settings import PROJECT_ROOT, DefaultConfig, Settings, read_settings

_PREFIX = "breakwater:"


def stack_file(stack: str) -> Path:
    """The file with the stack's own settings; a stack with the defaults alone has none."""
    return PROJECT_ROOT / f"Pulumi.{stack}.yaml"


def own_settings(stack: str) -> dict[str, Any]:
    """What the stack's file says, by the settings' names."""
    file = stack_file(stack)
    config = (yaml.safe_load(file.read_text()) or {}).get("config") or {} if file.exists() else {}
    return {key.removeprefix(_PREFIX): value for key, value in config.items() if key.startswith(_PREFIX)}


def stack_settings(stack: str, **given: str | None) -> Settings:
    """The stack's settings; what is given goes before what its file says. Raises SettingsError."""
    told = {key: value for key, value in given.items() if value}
    return read_settings(DefaultConfig(**own_settings(stack) | told), stack)
