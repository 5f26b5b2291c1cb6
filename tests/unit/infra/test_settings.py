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


def test_a_candidate_has_a_share_of_each_service_and_at_the_end_of_a_promotion_is_the_stable_release_too() -> None:
    settings = read_settings(DefaultConfig(candidate="2", candidateWeights=["query=10", "rag-service=0"]), "local")
    assert (settings.candidate, settings.candidate_weights) == ("2", {"query": 10, "rag-service": 0})
    promoted = read_settings(DefaultConfig(release="2", candidate="2", candidateWeights=["query=100"]), "local")
    assert promoted.candidate == promoted.release


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
        ({"release": ""}, "release is ''; it must be a release's name"),
        ({"candidate": "a b"}, "candidate is 'a b'; it must be a release's name"),
        (
            {"candidate": "2", "candidateWeights": ["kong=1"]},
            "has 'kong=1'; an entry is SERVICE=PERCENT of ingestion",
        ),
        ({"candidate": "2", "candidateWeights": ["query=101"]}, "has 'query=101'; the share is a whole number"),
        ({"candidate": "2", "candidateWeights": ["query=1.5"]}, "has 'query=1.5'; the share is a whole number"),
        ({"candidate": "2", "candidateWeights": ["query"]}, "has 'query'; the share is a whole number from 0 to 100"),
        ({"imageDigests": ["redis=sha256:1"]}, "has redis=sha256:1; an entry is COMPONENT=sha256: and 64"),
        ({"imageDigests": [f"query=sha256:{'a' * 64}"]}, "has query; pin one release of it: query:0.1.0=sha256"),
        ({"candidateWeights": ["query=1"]}, "candidateWeights has query, and there is no candidate"),
        (
            {"release": "2", "candidate": "2", "candidateWeights": ["query=1"]},
            "the stable release itself; then",
        ),
    ],
)
def test_a_wrong_setting_is_refused_by_name(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_settings(DefaultConfig(**changes), "local")
