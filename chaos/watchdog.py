"""The watchdog: a process beside a runner that heals what the runner no longer can.

`python -m chaos.watchdog ROOT` (the stack's folder) heals every fault whose lease is over; when its input ends, and so
the runner has, all that is left; then it ends.
"""

import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.heal import heal_left_over
from chaos.stack import Stack

TICK_S = 0.5  # between looks at the leases
PASSES = 5  # attempts at what a dead runner left; each repeats a failing fault for three seconds itself
END_S = 60.0  # seconds for the watchdog of a runner that has ended; PASSES that all fail take half of it


@contextmanager
def watching(stack: Stack) -> Iterator[subprocess.Popen[bytes]]:
    """Have a watchdog look after the faults that this process injects inside the block; it heals what is left then."""
    stack.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (stack.folder / "watchdog.log").open("a") as log:
        watchdog = subprocess.Popen(
            [sys.executable, "-m", "chaos.watchdog", str(stack.paths.root)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # what kills the runner's session, or stops it, is not meant for the watchdog
        )
    try:
        yield watchdog
    finally:
        watchdog.communicate(timeout=END_S)  # its input ends


def main() -> None:
    """Look after the faults of the stack until there is nobody left who could inject one."""
    root = Path(sys.argv[1])
    while not select.select([sys.stdin], [], [], TICK_S)[0]:
        _heal(root)
    for _ in range(PASSES):
        if _heal(root):
            return
        time.sleep(TICK_S)


def _heal(root: Path) -> bool:
    """Whether everything could be healed that nobody holds."""
    stack = Stack.load(root)
    healing = heal_left_over(stack) if stack else None
    if healing and (healing.healed or healing.problems):
        print(f"{time.strftime('%F %T')} {healing}", flush=True)
    return not (healing and healing.problems)


if __name__ == "__main__":
    main()
