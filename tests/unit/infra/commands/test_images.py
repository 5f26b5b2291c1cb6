import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from infra import stack_settings
from infra.commands import images as command
from infra.settings import PROJECT_ROOT
from infra.targets.docker.builder import ImagesError

DIGEST = "sha256:" + "a" * 64
ALL = ["jobs", "ingestion", "query", "rag-service", "collections"]
DOCKER = """#!/bin/sh
# Writes down what it is asked, and answers as an engine that has every image.
printf '%s\\n' "$DOCKER_HOST $*" >>"$ASKED"
case $1 in
    version) [ -z "$AWAY" ] || { echo 'Cannot connect. Is the docker daemon running?' >&2; exit 1; } ;;
    image) for name; do :; done
        echo '{"Id": "sha256:b", "Size": 104857600, "RepoDigests": ["'"${name%:*}"'@DIGEST", "other@sha256:c"]}' ;;
    *) [ "$1" != "$FAILS" ] ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the docker command was asked, a line for each time: the engine's address, then the arguments."""
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    program.write_text(DOCKER.replace("DIGEST", DIGEST))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return tmp_path / "asked"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stack", default="local")
    command.arguments(parser)
    return command.run(parser.parse_args(words))


def builds(asked: Path) -> list[list[str]]:
    return [line.split()[1:] for line in asked.read_text().splitlines() if line.split()[0] == "build"]


def test_every_image_is_built_by_its_target_and_listed_with_its_size(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    found = builds(asked)
    assert [words[words.index("--target") + 1] for words in found] == ALL
    assert [words[words.index("--tag") + 1] for words in found] == [f"breakwater/{name}:0.1.0" for name in ALL]
    assert all(words[-1] == "." and "org.opencontainers.image.version=0.1.0" in words for words in found)
    assert " push " not in asked.read_text()
    shown = capsys.readouterr().out
    assert "1 of 5: breakwater/jobs:0.1.0" in shown
    assert "100" in shown


def test_release_registry_and_base_can_be_given_and_what_is_pushed_is_listed_with_its_pins(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--release", "2.0", "--registry", "images.lan:5000", "--base", "images.lan:5000/python@sha256:d")
    assert run(*given, "--network", "host", "--push") == 0
    words = builds(asked)[2]
    assert words[words.index("--tag") + 1] == "images.lan:5000/breakwater/query:2.0"
    assert words[words.index("--network") + 1] == "host"
    assert "PYTHON_IMAGE=images.lan:5000/python@sha256:d" in words
    assert " push images.lan:5000/breakwater/query:2.0" in asked.read_text()
    shown = capsys.readouterr().out
    assert f"\n  query:2.0={DIGEST}" in shown
    assert f"\n  models:2.0={DIGEST}\n  migrations:2.0={DIGEST}" in shown


def test_the_stacks_engine_builds(asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"config": {"breakwater:dockerHost": "ssh://me@gpu-1"}}
    (tmp_path / "Pulumi.docker.yaml").write_text(json.dumps(config))
    monkeypatch.setattr(stack_settings, "PROJECT_ROOT", tmp_path)
    run("--stack", "docker")
    assert {line.split()[0] for line in asked.read_text().splitlines()} == {"ssh://me@gpu-1"}


def test_a_pinned_digest_is_not_built_into_the_name(asked: Path) -> None:
    pinned = replace(stack_settings.stack_settings("local"), image_digests={"query": DIGEST})
    assert [image.name for image in command.images(pinned)] == [f"breakwater/{name}:0.1.0" for name in ALL]


def test_without_the_command_it_is_said_how_to_get_it_or_go_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(PROJECT_ROOT / "tests"))
    with pytest.raises(ImagesError, match="there is no `docker` command; install Docker"):
        run()


def test_without_an_engine_it_is_said_what_docker_said_and_how_to_name_another(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWAY", "1")
    with pytest.raises(ImagesError, match=r"daemon running\?\); start one .* dockerHost"):
        run()
    assert not builds(asked)


@pytest.mark.parametrize(
    ("fails", "told"),
    [("build", "jobs is not built"), ("push", "breakwater/jobs:0.1.0 is not pushed; `docker login r")],
)
def test_the_first_failure_ends_it(asked: Path, monkeypatch: pytest.MonkeyPatch, fails: str, told: str) -> None:
    monkeypatch.setenv("FAILS", fails)
    with pytest.raises(ImagesError, match=told):
        run("--registry", "r.lan", "--push")
    assert len(builds(asked)) == 1


def test_nothing_is_built_where_there_is_no_registry_to_push_to(asked: Path) -> None:
    with pytest.raises(ImagesError, match="no registry to push to"):
        run("--push")
    assert not asked.exists()


def test_the_commit_is_told_unless_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PROJECT_ROOT", tmp_path)
    assert command._revision() == {}
