"""Stack settings for tests: the defaults of Pulumi.yaml."""

from typing import Any

import yaml

from infra.settings import PROJECT_ROOT, Settings, read_settings


class DefaultConfig:
    """The defaults of Pulumi.yaml, as Pulumi hands them to the program, with some values changed."""

    def __init__(self, **changes: object) -> None:
        schema = yaml.safe_load((PROJECT_ROOT / "Pulumi.yaml").read_text())["config"]
        self.values: dict[str, Any] = {key: entry["default"] for key, entry in schema.items()} | changes

    def require(self, key: str) -> str:
        return str(self.values[key])

    def require_int(self, key: str) -> int:
        return int(self.values[key])

    def require_bool(self, key: str) -> bool:
        return bool(self.values[key])

    def require_object(self, key: str) -> list[str]:
        return list(self.values[key])


def settings(**changes: object) -> Settings:
    """The settings of a stack called `test`, with some changed."""
    return read_settings(DefaultConfig(**changes), "test")
