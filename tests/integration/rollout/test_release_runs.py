"""What runs a release: its own code, in an environment that has this project installed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.releases import good
from infra.rollout.releases import prepare
from infra.settings import PROJECT_ROOT
from infra.targets.local import supervisor

SAYS = "import infra, services\nprint(services.__file__, infra.__file__)\n"


def test_the_services_are_the_releases_and_everything_else_is_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path / "data"))
    checkout = good(tmp_path / "checkout")
    (checkout / "services/says.py").write_text(SAYS)
    release = prepare(str(checkout))
    run = tmp_path / "run/program.json"
    run.parent.mkdir()
    command = [sys.executable, "-m", "services.says"]
    run.write_text(json.dumps({"command": command, "environment": {"PYTHONPATH": str(release.path)}}))
    started = subprocess.run(
        [*supervisor.LAUNCH, str(run)],
        cwd=PROJECT_ROOT,
        env=supervisor.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    services, installed = started.stdout.split()
    assert Path(services).is_relative_to(release.path)
    assert not Path(installed).is_relative_to(tmp_path)
