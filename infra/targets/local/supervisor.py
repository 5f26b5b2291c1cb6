"""The supervisor daemon (supervisord) of one stack: it owns the processes and restarts what dies."""

import fcntl
import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from infra.targets.local.paths import MAX_SOCKET_PATH, StackPaths

START_S = 15.0  # seconds for the daemon to answer; it takes under one on an idle machine
STOP_S = 30.0  # seconds for all processes to end; each is killed after its own `stopwaitsecs`

CONFIG = """\
[supervisord]
logfile = {root}/supervisord.log
logfile_maxbytes = 5MB
pidfile = {root}/supervisord.pid
childlogdir = {root}/logs
directory = {root}
umask = 077

[unix_http_server]
file = {socket}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix://{socket}

[include]
files = {programs}/*.conf
"""

PROGRAM = """\
[program:{name}]
command = {command}
directory = {directory}
autostart = true
autorestart = true
startsecs = 1
startretries = 30
stopsignal = {stop_signal}
stopwaitsecs = 10
stopasgroup = {stop_as_group}
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""

KEPT_ENVIRONMENT = ("HOME", "LANG", "PATH", "TMPDIR", "TZ", "USER")
"""What the components inherit; anything else (such as Pulumi's passphrase) is none of their business."""


LAUNCH = (sys.executable, "-m", "infra.targets.local.launch")
"""The command that becomes the program whose specification follows."""


class SupervisorError(RuntimeError):
    """The supervisor cannot be started or does not do as told; the message says what to look at."""


def environment() -> dict[str, str]:
    """What the components inherit of this process's environment."""
    return {key: os.environ[key] for key in KEPT_ENVIRONMENT if key in os.environ}


def call(paths: StackPaths, method: str, *arguments: object) -> Any:
    """What the supervisor answers to a method of its own; raises OSError, and xmlrpc.client.Fault where it refuses."""
    transport = SupervisorTransport(None, None, f"unix://{paths.socket}")
    try:
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        return getattr(proxy.supervisor, method)(*arguments)
    finally:
        transport.close()


@contextmanager
def _locked(paths: StackPaths) -> Iterator[None]:
    """Let one process or thread at a time change what the supervisor runs; freed even by a kill."""
    paths.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (paths.root / "supervisor.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_running(paths: StackPaths) -> bool:
    """True if the stack's supervisor answers."""
    try:
        return bool(call(paths, "getState")["statename"] == "RUNNING")
    except (OSError, xmlrpc.client.Error):
        return False


def start(paths: StackPaths) -> None:
    """Start the stack's supervisor unless it runs; raises SupervisorError if it does not answer in time."""
    if len(str(paths.socket).encode()) > MAX_SOCKET_PATH:
        raise SupervisorError(f"{paths.socket} is too long for a socket; set BREAKWATER_HOME to a shorter path")
    with _locked(paths):
        if is_running(paths):
            return
        for directory in (paths.programs, paths.log("x").parent):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left_over in paths.programs.glob("*.conf"):  # of a supervisor that was killed
            left_over.unlink()
        paths.supervisor_config.write_text(CONFIG.format(root=paths.root, socket=paths.socket, programs=paths.programs))
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(paths.supervisor_config)]
        started = subprocess.run(
            command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if started.returncode:
            raise SupervisorError(f"supervisord did not start: {started.stdout}{started.stderr}")
        _wait(
            lambda: is_running(paths),
            START_S,
            f"supervisord does not answer; see {paths.root}/supervisord.log",
        )


def stop(paths: StackPaths) -> None:
    """Stop the supervisor and every process it owns; does nothing where none runs."""
    with _locked(paths):
        pid = _daemon_pid(paths)
        if pid is not None:
            with suppress(OSError, xmlrpc.client.Error):
                call(paths, "shutdown")
            try:
                _wait(lambda: not _alive(pid), STOP_S, "supervisord does not stop")
            except SupervisorError:
                os.kill(pid, signal.SIGKILL)  # its processes die with it
        for name in ("supervisor.sock", "supervisord.pid"):
            (paths.root / name).unlink(missing_ok=True)


def put(paths: StackPaths, name: str, *, stop_signal: str) -> None:
    """Run component `name` by the specification in its run directory, in place of what ran as that."""
    program = PROGRAM.format(
        name=name,
        command=" ".join((*LAUNCH, str(paths.run(name) / "program.json"))),
        directory=Path(__file__).parents[3],
        log=paths.log(name),
        stop_signal=stop_signal,
        # Postgres's postmaster stops its own children in order; the others have none or a signal suits all.
        stop_as_group=str(stop_signal != "INT").lower(),
    )
    with _locked(paths):
        _remove(paths, name)
        (paths.programs / f"{name}.conf").write_text(program)
        call(paths, "reloadConfig")
        call(paths, "addProcessGroup", name)


def remove(paths: StackPaths, name: str) -> None:
    """Stop component `name` and forget it; does nothing where it is unknown or no supervisor runs."""
    with _locked(paths):
        if is_running(paths):
            _remove(paths, name)


def _remove(paths: StackPaths, name: str) -> None:
    try:
        call(paths, "stopProcessGroup", name)
        call(paths, "removeProcessGroup", name)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != Faults.BAD_NAME:
            raise
    (paths.programs / f"{name}.conf").unlink(missing_ok=True)
    call(paths, "reloadConfig")


def states(paths: StackPaths) -> dict[str, dict[str, Any]]:
    """The supervisor's view of each component: `statename`, `pid`, `start` and so on; empty if it is down."""
    try:
        return {info["name"]: info for info in call(paths, "getAllProcessInfo")}
    except (OSError, xmlrpc.client.Error):
        return {}


def pids(paths: StackPaths) -> dict[str, int]:
    """The process of each component that has one."""
    return {name: int(state["pid"]) for name, state in states(paths).items() if state.get("pid")}


def _daemon_pid(paths: StackPaths) -> int | None:
    try:
        return int(call(paths, "getPID"))
    except (OSError, xmlrpc.client.Error):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SupervisorError(otherwise)
        time.sleep(0.05)
