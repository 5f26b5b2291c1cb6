from infra.drift.drift import Drift
from infra.probes.redis import compare, settings_in, settings_of

COMMAND = ("redis-server", "--port", "1", "--maxmemory", "384mb", "--maxmemory-policy", "allkeys-lru", "--save", "")
FOUND = {"maxmemory": "402653184", "maxmemory-policy": "allkeys-lru", "appendonly": "no", "save": ""}


def test_settings_of_the_command_line_are_compared_in_redis_own_words() -> None:
    assert settings_of(COMMAND) == {"maxmemory": "402653184", "maxmemory-policy": "allkeys-lru", "save": ""}
    assert list(compare(settings_of(COMMAND), FOUND)) == []


def test_a_setting_in_force_that_is_another_is_told() -> None:
    found = {**FOUND, "maxmemory": "0", "save": "60 1"}
    assert list(compare(settings_of(COMMAND), found)) == [
        Drift("redis", "redis setting", "maxmemory", "402653184", "0"),
        Drift("redis", "redis setting", "save", '""', "60 1"),
    ]


def test_settings_of_a_file_are_compared_as_those_of_a_command_line() -> None:
    file = '# a cache\nmaxmemory 384mb\nsave ""\nappendonly no\ndir /tmp\n'
    assert settings_in(file) == {"maxmemory": "402653184", "appendonly": "no", "save": ""}
