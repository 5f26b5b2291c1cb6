import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import pytest

from infra.targets.local.launch import die_with_parent
from loadtests.usage import GENERATOR, WATCHER, Meter, of_stack

BUSY = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'while True: pass'])"


@pytest.fixture
def busy() -> Iterator[int]:
    command = [sys.executable, "-c", BUSY]
    process = subprocess.Popen(command, start_new_session=True, preexec_fn=die_with_parent)  # noqa: PLW1509 - no threads here
    yield process.pid
    os.killpg(process.pid, 9)
    process.wait()


def test_a_component_is_its_process_and_its_children(busy: int) -> None:
    clock = count()  # a second between two readings
    meter = Meter(lambda: {"busy": [busy], "gone": [2**22 - 1]}, clock=lambda: float(next(clock) * 10))
    spent = 0.0
    for at in range(2000):
        spent = max(spent, *(used.cores for used in meter.read(float(at)) if used.component == "busy"))
        if spent > 0:
            break
    assert spent > 0
    (gone,) = (used for used in meter.read(0.0) if used.component == "gone")
    assert (gone.cores, gone.memory_mb) == (0, 0)


def test_this_program_and_the_generator_are_measured_without_a_stack() -> None:
    roots = of_stack(None, lambda: [os.getpid()])()
    assert roots == {GENERATOR: [os.getpid()], WATCHER: [os.getpid()]}
    (used, _) = Meter(lambda: roots).read(3.0)
    assert used.at == 3.0
    assert used.memory_mb > 1
