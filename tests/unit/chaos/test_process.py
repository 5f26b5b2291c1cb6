import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from chaos.process import GONE, Process

WAITS = "import sys; print('ready', flush=True); sys.stdin.read()"


def test_a_process_that_has_ended_is_gone_also_while_nobody_has_reaped_it() -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        process = Process.of(child.pid)
        assert process is not None
        assert process.alive
        process.send(signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert process.state == GONE
        assert Process.of(child.pid) is None
        assert process.family() == []
    process.send(signal.SIGKILL)  # to nobody


def test_another_process_with_the_same_pid_gets_no_signal() -> None:
    me = Process.of(os.getpid())
    assert me is not None
    other = replace(me, started=me.started - 1)
    assert not other.alive
    other.send(signal.SIGKILL)


@pytest.mark.parametrize("pid", [1, os.getpid()], ids=["another", "this one"])  # each worker has its own
def test_a_living_process_is_the_first_of_its_family(pid: int) -> None:
    process = Process.of(pid)
    assert process is not None
    assert process.family()[0] == process
