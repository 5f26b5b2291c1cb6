"""Stack settings for tests: the defaults of Pulumi.yaml."""

from infra.settings import DefaultConfig, Settings, read_settings


def settings(**changes: object) -> Settings:
    """The settings of a stack called `test`, with some changed."""
    return read_settings(DefaultConfig(**changes), "test")
