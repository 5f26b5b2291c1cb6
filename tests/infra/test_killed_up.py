"""`make up`, killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from infra.settings import PROJECT_ROOT
from infra.targets.local import supervisor
from tests.infra.conftest import PREVIEW, UP
from tests.stacks import Stack


@pytest.mark.parametrize("seconds", [1.0, 3.0, 5.0])
def test_killed_at_any_moment_the_next_up_succeeds(stack: Stack, seconds: float) -> None:
    supervisor.stop(stack.paths)  # so that there is much to do
    command = [sys.executable, "-m", "infra.cli", "up", "--stack", stack.name]
    up = subprocess.Popen(
        command, env=stack.environment, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(seconds)  # not a wait for something: the moment of the kill is the test's parameter
    os.killpg(up.pid, signal.SIGKILL)
    up.wait()
    again = stack.breakwater("env")  # what prepares a shell also clears the dead one's lock
    assert again.returncode == 0, again.stderr
    repaired = stack.pulumi(*UP)
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert stack.pulumi(*PREVIEW).returncode == 0
