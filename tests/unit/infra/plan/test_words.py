from typing import Any

import pytest

from infra.manifest import Change, Published
from infra.plan.words import in_words
from infra.topology import Limits

AB = "docker.io/library/redis:8.2@sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("field", "before", "after", "words"),
    [
        ("runs", "breakwater/query:0.1.0", "breakwater/query:0.2.0", ["image breakwater/query 0.1.0 → 0.2.0"]),
        ("runs", "redis:8.2", "images.lan/redis:8.2", ["image redis:8.2 → images.lan/redis:8.2"]),
        ("runs", "docker.io/library/redis:8.2", AB, [f"image library/redis 8.2: other content (sha256:{'ab' * 26}…)"]),
        ("runs", "envoy 1.37", "envoy 1.38", ["program envoy 1.37 → envoy 1.38"]),
        ("command", ("serve", "--maxmemory", "384mb"), ("serve", "--maxmemory", "512mb"), ["command: 384mb → 512mb"]),
        ("command", ("serve",), ("serve", "--fast"), ["command: --fast added"]),
        ("command", ("serve", "--fast"), ("serve",), ["command: no --fast"]),
        (
            "environment",
            {"CACHE_ENABLED": "true", "OLD": "1", "SAME": "x"},
            {"CACHE_ENABLED": "false", "NEW": "y" * 99, "SAME": "x"},
            ["environment: CACHE_ENABLED true → false", f"environment: NEW = {'y' * 59}… added", "environment: no OLD"],
        ),
        ("files", {"a": "1", "b": "1"}, {"b": "2", "c": "1"}, ["file a gone", "file b changed", "file c added"]),
        ("live_files", {"kong.yml": "1"}, {"kong.yml": "2"}, ["file kong.yml changed"]),
        ("source", "1", "2", ["its code changed"]),
        ("limits", Limits(384, 0.6), Limits(512, 0.8), ["memory 384 → 512 MiB", "CPUs 0.6 → 0.8"]),
        ("limits", None, Limits(512, 0.8), ["memory unlimited → 512 MiB", "CPUs unlimited → 0.8"]),
        ("ports", (), (Published("127.0.0.1", 8000, 80),), ["ports: none → 127.0.0.1:8000"]),
        ("volumes", {}, {"/data": "prometheus-data"}, ["volumes: none → prometheus-data at /data"]),
        ("read_only", False, True, ["read only: no → yes"]),
        ("user", "", "1:1", ["user: none → 1:1"]),
        ("networks", ("edge",), ("edge", "internal"), ["networks: edge → edge internal"]),
    ],
)
def test_a_change_is_told_in_words(field: str, before: Any, after: Any, words: list[str]) -> None:
    assert list(in_words(Change("x", field, before, after))) == words
