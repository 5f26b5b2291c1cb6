"""What containers do before their program starts, with programs that write down what they are told."""

import os
import subprocess
from pathlib import Path

import pytest

from infra.targets.docker import starts

TOLD = """#!/bin/sh
# Writes down its arguments and, where it is no start of a server, its input.
{
    echo "$(basename "$0") $*"
    [ "$(basename "$0")" = docker-entrypoint.sh ] || cat
} >>"$TOLD"
exit "${FAILS:-0}"
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image with the programs that the scripts call."""
    for name in ("postgres", "grafana", "docker-entrypoint.sh"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(TOLD)
        program.chmod(0o755)
    (tmp_path / "password").write_text("s3cret")
    return tmp_path


def start(image: Path, entrypoint: tuple[str, ...], *command: str, **environment: str) -> list[str]:
    given = {
        "PATH": f"{image / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TOLD": str(image / "told"),
        "PGDATA": str(image),
        "POSTGRES_USER": "breakwater",
        "POSTGRES_PASSWORD_FILE": str(image / "password"),
        "GF_PATHS_DATA": str(image),
        "GF_SECURITY_ADMIN_PASSWORD__FILE": str(image / "password"),
    }
    subprocess.run([*entrypoint, *command], env=given | environment, capture_output=True, check=False)
    return (image / "told").read_text().split("\n") if (image / "told").exists() else []


def test_an_empty_database_is_left_to_the_image(image: Path) -> None:
    assert start(image, starts.POSTGRES, "postgres", "-c", "timezone=UTC") == [
        "docker-entrypoint.sh postgres -c timezone=UTC",
        "",
    ]


def test_a_database_that_is_there_gets_the_stacks_password_before_it_listens(image: Path) -> None:
    (image / "PG_VERSION").write_text("17")
    told = start(image, starts.POSTGRES, "postgres", "-c", "timezone=UTC")
    assert told[:2] == [f"postgres --single -D {image} -j postgres", "ALTER USER breakwater PASSWORD 's3cret';"]
    assert told[-2:] == ["docker-entrypoint.sh postgres -c timezone=UTC", ""]


def test_a_password_that_cannot_be_set_is_a_start_that_fails(image: Path) -> None:
    (image / "PG_VERSION").write_text("17")
    assert not any(line.startswith("docker-entrypoint") for line in start(image, starts.POSTGRES, FAILS="1"))


def test_grafanas_password_is_told_on_its_input_only(image: Path) -> None:
    assert start(image, starts.GRAFANA) == []
    (image / "grafana.db").write_text("x")
    assert start(image, starts.GRAFANA) == [
        "grafana cli admin reset-admin-password --password-from-stdin",
        "s3cret",
    ]
