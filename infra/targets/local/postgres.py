"""Become a Postgres server: its data directory is made at the first start, its password is that of the file.

Postgres refuses to run as root. Started by root it therefore runs as `nobody`, who keeps the one capability
that lets it reach a data directory below folders that only root may enter.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.targets.services import DATABASE, DATABASE_USER

NOBODY = 65534
AS_NOBODY = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--pdeathsig=KILL",
    "--",
)
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # TCP only: every consumer comes through its edge
    "max_connections": "60",
    "shared_buffers": "128MB",
    "timezone": "UTC",
}


def main() -> None:
    """Prepare the data directory and become the server."""
    arguments = parsed(sys.argv[1:])
    prefix = AS_NOBODY if os.geteuid() == 0 else ()
    if not (arguments.data / "PG_VERSION").exists():
        create(prefix, arguments.bin, arguments.data)
    check_version(arguments.bin, arguments.data)
    set_password(prefix, arguments.bin, arguments.data, arguments.password_file.read_text().strip())
    command = [*prefix, *server(arguments)]
    os.execvp(command[0], command)  # noqa: S606 - becoming the server is the point


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=Path, required=True, help="the folder of postgres and initdb")
    parser.add_argument("--data", type=Path, required=True, help="the data directory")
    parser.add_argument("--port", required=True)
    parser.add_argument("--password-file", type=Path, required=True)
    return parser.parse_args(arguments)


def server(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The command of the server that this becomes."""
    preload = {"shared_preload_libraries": "timescaledb"} if _has_timescaledb(arguments.bin) else {}
    options = (f"-c{key}={value}" for key, value in {**SETTINGS, **preload}.items())
    return (str(arguments.bin / "postgres"), "-D", str(arguments.data), "-p", arguments.port, *options)


def check_version(programs: Path, data: Path) -> None:
    """Exit with what to do about it where `data` was written by another major version."""
    answer = subprocess.run([str(programs / "postgres"), "-V"], capture_output=True, text=True, check=True).stdout
    written_by = (data / "PG_VERSION").read_text().strip()
    if f" {written_by}." not in answer:
        sys.exit(
            f"{data} was written by PostgreSQL {written_by}, but {programs} has {answer.strip()}. "
            f"Put PostgreSQL {written_by} on PATH, change the stack's usePath, or dump and reload the data."
        )


def create(prefix: tuple[str, ...], programs: Path, data: Path) -> None:
    """Make the data directory with the database in it. A killed attempt leaves nothing that looks done."""
    unfinished = data.with_name(f"{data.name}.new")
    for left_over in (unfinished, data):
        shutil.rmtree(left_over, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    if prefix:
        os.chown(unfinished, NOBODY, NOBODY)
    initdb = [
        str(programs / "initdb"),
        "-D",
        str(unfinished),
        "-U",
        DATABASE_USER,
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
    ]
    # initdb wants a password to allow scram; `set_password` replaces it before the server listens.
    subprocess.run([*prefix, *initdb, "--locale=C.UTF-8", "--pwfile=/dev/stdin"], input="x", text=True, check=True)
    single_user(prefix, programs, unfinished, f"CREATE DATABASE {DATABASE};")
    unfinished.rename(data)


def set_password(prefix: tuple[str, ...], programs: Path, data: Path, password: str) -> None:
    """Make `password` the one that the server asks for."""
    quoted = password.replace("'", "''")
    single_user(prefix, programs, data, f"ALTER USER {DATABASE_USER} PASSWORD '{quoted}';")


def single_user(prefix: tuple[str, ...], programs: Path, data: Path, statement: str) -> None:
    """Run one statement without a server; raises CalledProcessError with the output shown."""
    command = [*prefix, str(programs / "postgres"), "--single", "-D", str(data), "-j", "postgres"]
    subprocess.run(command, input=f"{statement}\n\n", text=True, check=True, stdout=subprocess.DEVNULL)


def _has_timescaledb(programs: Path) -> bool:
    shared = subprocess.run(
        [str(programs / "pg_config"), "--sharedir"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return Path(shared, "extension", "timescaledb.control").exists()


if __name__ == "__main__":
    main()
