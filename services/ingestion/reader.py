"""Has documents read by the reader process, which is started when needed and ended when idle."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Self

import orjson

from services.ingestion.reading.content import UnreadableError
from services.ingestion.reading.formats import LENGTH, Read, Wanted
from services.ingestion.reading.split import Chunk


class Reader:
    """Reads one document at a time; the process holds 50 MB, or 150 MB once it has had to cut long sections."""

    def __init__(self, *, document_s: int = 120, idle_s: float = 300.0) -> None:
        self._document_s = document_s
        self._idle_s = idle_s
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._idle: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._idle:
            self._idle.cancel()
        await self._end()

    async def read(self, wanted: Wanted, data: bytes) -> Read:
        """The document's title and chunks; raises UnreadableError with the reason."""
        async with self._turn:
            if self._idle:
                self._idle.cancel()
            try:
                answer = await self._exchange(orjson.dumps(asdict(wanted)), data)
            except (asyncio.IncompleteReadError, ConnectionError):
                raise UnreadableError(self._fate(await self._end())) from None
            except BaseException:
                await self._end()  # the next answer would be this document's
                raise
            self._idle = asyncio.create_task(self._end_when_idle())
        if "reason" in answer:
            raise UnreadableError(answer["reason"])
        return Read(answer["title"], [Chunk(**chunk) for chunk in answer["chunks"]])

    async def _exchange(self, *messages: bytes) -> dict[str, Any]:
        if self._process is None or self._process.returncode is not None:
            command = (sys.executable, "-m", "services.ingestion.reading", str(self._document_s))
            self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
        process = self._process
        assert process.stdin
        assert process.stdout
        for message in messages:
            process.stdin.write(len(message).to_bytes(LENGTH) + message)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(LENGTH))
        answer: dict[str, Any] = orjson.loads(await process.stdout.readexactly(size))
        return answer

    def _fate(self, status: int) -> str:
        if status == -signal.SIGALRM:
            return f"takes longer than {self._document_s} s to read"
        return f"cannot be read: its reader ended with status {status}"

    async def _end_when_idle(self) -> None:
        await asyncio.sleep(self._idle_s)
        async with self._turn:
            await self._end()

    async def _end(self) -> int:
        """End the process; its exit status."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                # Not `kill()`: it would look for the exit status too, and take it from asyncio.
                os.kill(self._process.pid, signal.SIGKILL)
        status = await self._process.wait()
        self._process = None
        return status
