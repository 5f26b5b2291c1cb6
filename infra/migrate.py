"""Bring the database to the schema of `migrations/` and the collections file into it: a job of every deployment."""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from infra.settings import PROJECT_ROOT

MIGRATIONS = PROJECT_ROOT / "migrations"
RECORD = "rag.schema_migrations"  # in the schema itself: dropping it undoes everything, and the next run starts anew


def main() -> None:
    """Run the migrations, then the collections file's; exits with the first one's status that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="postgresql://user@host:port/database")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--collections", type=Path, required=True, help="the JSON to upsert into rag.collections")
    arguments = parser.parse_args()
    migrate(arguments.url, arguments.password_file.read_text().strip(), arguments.collections)


def migrate(url: str, password: str, collections: Path) -> None:
    """Bring the schema up to date and the collections into it; exits with the first one's status that fails."""
    dbmate("up", url, password)
    if collections.exists():
        command = [sys.executable, "-m", "services.collections.migrate_config", str(collections)]
        run(command, DATABASE_URL=url, DATABASE_PASSWORD=password)


def dbmate(action: str, url: str, password: str) -> None:
    """Have dbmate do `up`, `rollback` (the last migration) or `status`; exits with its status where that fails."""
    run(dbmate_command(action), **dbmate_environment(url, password))


def dbmate_command(action: str, migrations: Path = MIGRATIONS) -> list[str]:
    """The command by which dbmate does it with these migrations."""
    options = ("--migrations-dir", str(migrations), "--migrations-table", RECORD, "--no-dump-schema", "--wait")
    return ["dbmate", *options, action]


def dbmate_environment(url: str, password: str) -> dict[str, str]:
    """What dbmate is told beside its command."""
    return {"DATABASE_URL": f"{with_password(url, password)}?sslmode=disable"}


def with_password(url: str, password: str) -> str:
    """`url` with the password in it, as dbmate wants it (in its environment, not on its command line)."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()


def run(command: list[str], **environment: str) -> None:
    """Run a command with more environment; exits with its status if that is not 0."""
    ended = subprocess.run(command, env=with_programs(environment), check=False)
    if ended.returncode:
        sys.exit(ended.returncode)


def with_programs(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with more, by which the installed programs are found."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, **environment}


if __name__ == "__main__":
    main()
