"""What the supervisor starts for each component: it becomes the component's program.

The specification is a file rather than the supervisor's configuration so that nothing needs escaping and no
setting shows in a process list. A component never outlives its supervisor, however that one ends.
"""

import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
STARTS = "starts"
"""The file beside the specification that gets a line for every start; `status` counts restarts by it."""


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        sys.exit("the supervisor is gone")


def main() -> None:
    """Start the program that the specification (the only argument) describes."""
    specification = Path(sys.argv[1])
    die_with_parent()
    program = json.loads(specification.read_text())
    with (specification.parent / STARTS).open("a") as starts:
        starts.write(f"{time.time():.3f}\n")
    os.chdir(specification.parent)
    os.execve(program["command"][0], program["command"], {**os.environ, **program["environment"]})  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main()
