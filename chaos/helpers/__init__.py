"""Helpers: small processes that a fault needs while it is in force.

Any process finds it again by the token in its command. It ends by itself when the one that started it is gone.
"""

import os
import signal
import subprocess
import sys
import time

import psutil

from chaos.process import Process

END_S = 2.0  # seconds for a killed helper to end; it takes milliseconds
READY = "ready"

_started: dict[str, subprocess.Popen[str]] = {}


class HelperError(RuntimeError):
    """A helper does not start or does not end; the message says what it said."""


def start(module: str, token: str, *arguments: str) -> str:
    """Run `python -m module token arguments`; returns what it adds to the line with which it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, token, *arguments],
        stdin=subprocess.PIPE,  # ends with this process, and the helper when it does
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C is for the runner, which heals
    )
    _started[token] = process
    assert process.stdout is not None
    said, _, rest = process.stdout.readline().strip().partition(" ")
    if said != READY:
        end(token)
        raise HelperError(f"{module} did not start; it ended with status {process.returncode}")
    return rest


def ready(what: str = "") -> None:
    """Said by a helper once it works; it ends at once if nobody is there any more to hear it."""
    try:
        os.write(1, f"{READY} {what}\n".encode())
    except BrokenPipeError:
        sys.exit()


def find(token: str) -> list[Process]:
    """The helpers with that token that run."""
    pids = [one.pid for one in psutil.process_iter(["cmdline"]) if token in (one.info["cmdline"] or ())]
    return [process for process in map(Process.of, pids) if process is not None]


def end(token: str) -> None:
    """End the helpers with that token, whoever started them; raises HelperError if one lives on."""
    found = find(token)
    for process in found:
        process.send(signal.SIGKILL)
    if (own := _started.pop(token, None)) is not None:
        own.kill()
        own.communicate()
    deadline = time.monotonic() + END_S
    while any(process.alive for process in found):
        if time.monotonic() > deadline:
            raise HelperError(f"a helper does not end: {[process.pid for process in found]}")
        time.sleep(0.005)
