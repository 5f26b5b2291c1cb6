"""What a stack is configured with, read without Pulumi: its Pulumi.<stack>.yaml over the defaults of Pulumi.yaml."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.settings import PROJECT_ROOT, DefaultConfig, Settings, SettingsError, read_settings

_PREFIX = "breakwater:"


def stack_file(stack: str) -> Path:
    """The file with the stack's own settings; a stack with the defaults alone has none."""
    return PROJECT_ROOT / f"Pulumi.{stack}.yaml"


def own_settings(stack: str) -> dict[str, Any]:
    """What the stack's file says, by the settings' names."""
    return _own(stack_file(stack))


def _own(file: Path) -> dict[str, Any]:
    config = (yaml.safe_load(file.read_text()) or {}).get("config") or {} if file.exists() else {}
    return {key.removeprefix(_PREFIX): value for key, value in config.items() if key.startswith(_PREFIX)}


def write_settings(stack: str, values: Mapping[str, str | list[str]]) -> None:
    """Change settings in the stack's file at once, or not at all; the rest of it, comments too, stays as it is.

    A default is left out. Raises SettingsError where the file is written in another way than Pulumi does.
    """
    file, defaults = stack_file(stack), DefaultConfig().values
    text = file.read_text() if file.exists() else ""
    if not re.search(r"^config:$", text, re.MULTILINE):
        text += "config:\n"
    for key, value in values.items():
        line = f"  {_PREFIX}{key}: {json.dumps(value)}\n" if value != defaults[key] else ""  # JSON is YAML
        text = re.sub(rf"^  {_PREFIX}{key}:.*\n(?:  (?:  |-).*\n)*", "", text, flags=re.MULTILINE)
        before, config, after = re.split(r"^(config:\n)", text, maxsplit=1, flags=re.MULTILINE)
        text = before + config + line + after
    new = file.with_suffix(".new")
    new.write_text(text)
    if {**defaults, **_own(new)} != {**defaults, **own_settings(stack), **values}:
        new.unlink()
        raise SettingsError(f"{file.name} is not as `pulumi config set` writes it: have a line for each setting")
    new.replace(file)


def stack_settings(stack: str, **given: str | None) -> Settings:
    """The stack's settings; what is given goes before what its file says. Raises SettingsError."""
    told = {key: value for key, value in given.items() if value}
    return read_settings(DefaultConfig(**own_settings(stack) | told), stack)
