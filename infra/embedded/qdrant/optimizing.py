"""The node's side of the optimizer: the process that copies a shard's files and optimizes the copy."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from infra.embedded.qdrant.optimizer import COPIED, READY


class OptimizerError(Exception):
    """The optimizer ended before its work was done; what it said of that is in the node's log."""


class Optimizer:
    """One such process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def copy(self) -> None:
        """Have the files copied; until this returns they must stay as they are. Raises OptimizerError."""
        assert self._process.stdin
        with suppress(ConnectionError):  # told in what it says next
            self._process.stdin.write(b"\n")
            await self._process.stdin.drain()
        await self.heard(COPIED)

    async def finish(self) -> None:
        """Wait until the copy is optimized; raises OptimizerError."""
        if ended := await self._process.wait():
            raise OptimizerError(f"the optimizer ended with {ended}")

    async def heard(self, what: bytes) -> None:
        """Wait until the optimizer says so; raises OptimizerError."""
        assert self._process.stdout
        if await self._process.stdout.readline() != what:
            raise OptimizerError(f"the optimizer ended before it was {what.decode().strip()}")


@asynccontextmanager
async def optimizing(source: Path, target: Path) -> AsyncIterator[Optimizer]:
    """An optimizer that is ready to copy from `source` to `target`; it is killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "infra.embedded.qdrant.optimizer", str(source), str(target), stdin=PIPE, stdout=PIPE
    )
    try:
        optimizer = Optimizer(process)
        await optimizer.heard(READY)
        yield optimizer
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
