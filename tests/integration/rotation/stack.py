"""A stack of two peers whose state is a file, and a rotation of it that is killed on the way."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra import rotation
from infra.secret import SecretState, Step
from infra.service_users import ServiceUsers
from infra.targets.local.files import write

NAME = "interServiceSecret"
SECRET_FILE = "secret"
QUIET_S = 0.5


@dataclass
class FileStack:
    """Hands a secret out to one peer after the other; the `fatal`th time it is killed instead."""

    folder: Path
    ports: Mapping[str, int]
    fatal: int = 0
    handed_out: int = 0

    def read(self) -> dict[str, SecretState]:
        return {NAME: SecretState(**json.loads((self.folder / "state.json").read_text()))}

    def take(self, steps: Mapping[str, Step]) -> None:
        self.record(self.read()[NAME].after(steps[NAME]))

    def record(self, state: SecretState) -> None:
        write(self.folder, {"state.json": json.dumps(vars(state))})
        for peer in self.ports:
            self.handed_out += 1
            if self.handed_out == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            write(self.folder / peer, {SECRET_FILE: "\n".join(state.accepted)})

    def rotate(self) -> list[str]:
        users, said = {NAME: ServiceUsers(self.ports)}, list[str]()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rotation, "SETTLE_S", 0)  # each peer is one process
            rotation.replace(self, users, said.append)
            rotation.retire(self, users, said.append, at_once=False, quiet_s=QUIET_S)
        return said


if __name__ == "__main__":
    FileStack(Path(sys.argv[1]), json.loads(sys.argv[2]), fatal=int(sys.argv[3])).rotate()
