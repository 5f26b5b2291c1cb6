"""A network namespace without a route, as a machine that no network reaches: only its own addresses answer.

Whoever asks for a name in it is written down, as nobody should.
"""

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Whoever is not root becomes root of a namespace of their own for as long as that takes, and then again who they were:
# Postgres refuses to run as root.
_ROOT = os.geteuid() == 0
_MAKE = ("unshare", "--net", "--mount", *(() if _ROOT else ("--map-root-user",)))
_AS_BEFORE = "" if _ROOT else f"--user --map-user={os.getuid()} --map-group={os.getgid()}"
_ANY_PORT = "" if _ROOT else "echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start"
# The shell that reads from here is the first process inside: with it, all others end.
_ENTER = f"""
set -e
ip link set lo up
{_ANY_PORT}
echo nameserver 127.0.0.1 >resolv.conf
mount --bind resolv.conf /etc/resolv.conf
exec unshare --pid --fork --kill-child --mount-proc {_AS_BEFORE} sh -c '"$@" & exec sh' sh "$@"
"""
_RESOLVER = (sys.executable, "-m", "tests.namespaces")
_COMMAND = ("setpriv", "--pdeathsig=KILL", *_MAKE, "sh", "-c", _ENTER, "sh", *_RESOLVER)


class NamespaceError(RuntimeError):
    """There can be no such namespace here; the message says why."""


@dataclass(frozen=True)
class Namespace:
    """A shell inside. Its commands see no other processes than their own."""

    shell: subprocess.Popen[str]
    folder: Path
    environment: Mapping[str, str]

    def run(self, *command: str | Path, cwd: Path, timeout_s: float = 240) -> tuple[int, str]:
        """Run a command with nothing but the environment given; returns its exit status and all that it said."""
        assert self.shell.stdin
        assert self.shell.stdout
        said = self.folder / "said"
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        words = shlex.join(["timeout", str(timeout_s), "env", "-i", *variables, *map(str, command)])
        self.shell.stdin.write(f"(cd {shlex.quote(str(cwd))} && exec {words}) </dev/null >{said} 2>&1; echo $?\n")
        self.shell.stdin.flush()
        return int(self.shell.stdout.readline()), said.read_text()

    def processes(self) -> list[str]:
        """The command lines of what runs inside, but for the shell, the resolver and the listing."""
        listed = self.run("ps", "-e", "-ww", "-o", "pid=,args=", cwd=self.folder)[1].splitlines()
        own = (shlex.join(_RESOLVER), " ps -e ")
        return [line for line in listed if line.split()[0] != "1" and not any(words in line for words in own)]

    def asked(self) -> set[str]:
        """The names that somebody inside has asked for."""
        return set((self.folder / "asked").read_text().split())


@contextmanager
def without_a_route(folder: Path, environment: Mapping[str, str]) -> Iterator[Namespace]:
    """A namespace for the length of the block; whatever runs in it then is killed, also if this process is.

    Raises NamespaceError where there can be none.
    """
    root = Path(__file__).parent.parent
    with (
        (folder / "failures").open("w") as failures,
        subprocess.Popen(
            _COMMAND,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=failures,
            text=True,
        ) as shell,
    ):
        try:
            _wait(shell, folder)
            yield Namespace(shell, folder, environment)
        finally:
            shell.kill()


def _wait(shell: subprocess.Popen[str], folder: Path) -> None:
    deadline = time.monotonic() + 20
    while not (folder / "asked").exists():
        if shell.poll() is not None or time.monotonic() > deadline:
            raise NamespaceError((folder / "failures").read_text().strip())
        time.sleep(0.02)


def resolve() -> None:
    """Write each name that is asked for into the file `asked`, and answer that this server failed."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    with Path("asked").open("w", buffering=1) as asked:
        while True:
            question, client = server.recvfrom(512)
            labels, rest = [], question[12:]
            while length := rest[0]:
                labels.append(rest[1 : length + 1].decode())
                rest = rest[length + 1 :]
            print(".".join(labels), file=asked)
            server.sendto(question[:2] + b"\x81\x82" + question[4:], client)


if __name__ == "__main__":
    resolve()
