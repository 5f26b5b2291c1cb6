"""Bad configuration: the gateway is given half a file, as by a deployment that was cut off."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal
from urllib.request import urlopen

from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.stack import Stack

NOTICE_S = 5.0  # seconds for the gateway to notice the file; it takes 40 ms
GATEWAY = "kong"


@dataclass(frozen=True)
class BadConfiguration:
    """Moves the first half of the gateway's routes, listeners or clusters into the place of the whole.

    The gateway must refuse it and go on by what it had. A restart of the gateway meanwhile would not come up.
    """

    kind: ClassVar[str] = "bad-configuration"
    file: Literal["rds.json", "lds.json", "cds.json"] = "rds.json"

    @property
    def target(self) -> str:
        return GATEWAY

    def describe(self) -> str:
        return f"{GATEWAY} is given half of {self.file}"

    def prepare(self, stack: Stack) -> Saved:
        return {"content": self._path(stack).read_text(), "refused": _refused(stack)}

    def inject(self, stack: Stack, saved: Saved) -> None:
        _move_into_place(self._path(stack), _half(saved))

    def verify(self, stack: Stack, saved: Saved) -> None:
        if self._path(stack).read_text() != _half(saved):
            raise FaultNotInForceError(f"{self.file} has been changed")
        deadline = time.monotonic() + NOTICE_S
        while _refused(stack) <= saved["refused"]:
            if time.monotonic() > deadline:
                raise FaultNotInForceError(f"{GATEWAY} has not looked at {self.file}, or has not refused it")
            time.sleep(0.01)

    def heal(self, stack: Stack, saved: Saved) -> None:
        # A file that is not the half one is a later deployment's, and right.
        if self._path(stack).read_text() == _half(saved):
            _move_into_place(self._path(stack), saved["content"])

    def _path(self, stack: Stack) -> Path:
        return stack.paths.run(GATEWAY) / self.file


def _half(saved: Saved) -> str:
    content: str = saved["content"]
    return content[: len(content) // 2]


def _move_into_place(path: Path, content: str) -> None:
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)
    new.write_text(content)
    os.replace(new, path)  # noqa: PTH105 - the gateway watches for a move, which this names plainly


def _refused(stack: Stack) -> int:
    """How many configurations the gateway has refused since it started."""
    url = f"{stack.url(GATEWAY, 'admin')}/stats?filter=ds\\..*update_(failure|rejected)"
    with urlopen(url, timeout=2) as answer:
        lines = answer.read().decode().splitlines()
    return sum(int(line.rpartition(" ")[2]) for line in lines)
