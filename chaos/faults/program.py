"""Program: a component runs with other settings, or as another program."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.stack import Stack

START_S = 5.0  # seconds for the launcher to become the program; it takes a tenth of one


@dataclass(frozen=True)
class Program:
    """Starts the component anew with variables of its environment changed, and with `module` in its own module's place.

    `module` is given the name of the component's own as its first argument.
    """

    kind: ClassVar[str] = "program"
    component: str
    environment: Mapping[str, str] = field(default_factory=dict)
    module: str | None = None
    arguments: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return self.component

    def describe(self) -> str:
        changes = [f"{name}={value}" for name, value in self.environment.items()]
        return f"{self.component} runs with {', '.join([*changes, *self.arguments])}"

    def prepare(self, stack: Stack) -> Saved:
        return {"specification": self._path(stack).read_text()}

    def inject(self, stack: Stack, saved: Saved) -> None:
        self._run(stack, self._changed(saved))
        deadline = time.monotonic() + START_S
        while self._missing(stack) and time.monotonic() < deadline:
            time.sleep(0.02)

    def verify(self, stack: Stack, saved: Saved) -> None:
        if missing := self._missing(stack):
            raise FaultNotInForceError(f"{self.component} runs without {', '.join(missing)}")

    def heal(self, stack: Stack, saved: Saved) -> None:
        there = self._path(stack).read_text()
        half_healed = there == saved["specification"] and not self._missing(stack)
        # Any other specification is a later deployment's, and right.
        if there == self._changed(saved) or half_healed:
            self._run(stack, saved["specification"])

    def _changed(self, saved: Saved) -> str:
        specification: dict[str, Any] = json.loads(saved["specification"])
        specification["environment"] |= self.environment
        if self.module:
            python, dash_m, *own = specification["command"]
            specification["command"] = [python, dash_m, self.module, *self.arguments, *own]
        return json.dumps(specification, indent=2)

    def _missing(self, stack: Stack) -> list[str]:
        wanted = [f"{name}={value}" for name, value in self.environment.items()]
        wanted += [self.module] if self.module else []
        process = stack.process(self.component)
        if process is None:
            return ["a process", *wanted]
        try:
            files = (Path(f"/proc/{process.pid}/{name}").read_text() for name in ("environ", "cmdline"))
            there = {word for text in files for word in text.split("\0")}
        except OSError:  # it has just ended
            return wanted
        return [word for word in wanted if word not in there]

    def _run(self, stack: Stack, specification: str) -> None:
        path = self._path(stack)
        new = path.with_name(path.name + ".new")
        new.touch(mode=0o600)
        new.write_text(specification)
        os.replace(new, path)  # noqa: PTH105 - a move, so that no half of it is ever read
        stack.stop(self.component)
        stack.start(self.component)

    def _path(self, stack: Stack) -> Path:
        return stack.paths.run(self.component) / "program.json"
