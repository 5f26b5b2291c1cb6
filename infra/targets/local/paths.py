"""Where a stack of the local target keeps its files. Everything lies below the data directory."""

import os
from dataclasses import dataclass
from pathlib import Path

from infra.settings import PROJECT_ROOT

MAX_SOCKET_PATH = 100  # bytes; the kernel's sockaddr_un holds 108 with its terminator


def data_directory() -> Path:
    """The data directory of all stacks: BREAKWATER_HOME, or `.breakwater` in the project."""
    return Path(os.environ.get("BREAKWATER_HOME") or PROJECT_ROOT / ".breakwater").resolve()


@dataclass(frozen=True)
class StackPaths:
    """The files of one stack below `root`."""

    root: Path

    @classmethod
    def of(cls, stack: str) -> "StackPaths":
        """The files of `stack` in the data directory."""
        return cls(data_directory() / stack)

    @property
    def socket(self) -> Path:
        """The supervisor's control socket."""
        return self.root / "supervisor.sock"

    @property
    def supervisor_config(self) -> Path:
        """The supervisor's own configuration; it includes every file in `programs`."""
        return self.root / "supervisord.conf"

    @property
    def programs(self) -> Path:
        """One supervisor program file for each component."""
        return self.root / "programs"

    def run(self, component: str) -> Path:
        """A component's rendered configuration and secrets, rewritten by every deployment; mode 0700."""
        return self.root / "run" / component

    def log(self, component: str) -> Path:
        """A component's output, rotated by the supervisor."""
        return self.root / "logs" / f"{component}.log"

    def volume(self, name: str) -> Path:
        """A component's data; the only thing that outlives `pulumi destroy`, beside the logs."""
        return self.root / "data" / name
