from typing import Any

import pytest

from infra.settings import PROJECT_ROOT, DefaultConfig, SettingsError, read_settings


def test_the_defaults_of_the_schema_are_valid_settings() -> None:
    settings = read_settings(DefaultConfig(), "local")
    assert settings.stack == "local"
    assert settings.consumers == ("app",)
    assert (settings.rate_limit_minute, settings.rate_limit_hour) == (100, 1000)
    assert settings.docs_root == PROJECT_ROOT / "docs"
    assert settings.cors_origins == ("http://localhost:3103",)


def test_every_setting_of_the_schema_is_read() -> None:
    config = DefaultConfig()
    read: set[str] = set()

    class Recording(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            read.add(key)
            return super().__getitem__(key)

    config.values = Recording(config.values)
    read_settings(config, "local")
    assert read == set(config.values)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "cloud"}, "target is 'cloud'; it must be one of local"),
        ({"consumers": []}, r"consumers is \[\]; it must be distinct names"),
        ({"consumers": ["app", "app"]}, "it must be distinct names"),
        ({"consumers": ["a b"]}, "it must be distinct names"),
        ({"qdrantNodes": 2}, "qdrantNodes is 2; it must be 1 or 3"),
        ({"rateLimitMinute": 0}, "rateLimitMinute is 0; it must be at least 1"),
        ({"rateLimitHour": 99}, "rateLimitHour is below rateLimitMinute"),
        ({"rateLimitHour": -1}, "rateLimitHour is -1; it must be at least 1"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_settings(DefaultConfig(**changes), "local")
