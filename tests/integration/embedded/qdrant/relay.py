"""A TCP relay before a node's p2p port, to cut the node off from the others."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Passes bytes on, unless it is closed (connections are refused) or dark (they are taken, and nothing passes)."""

    def __init__(self, port: int, target: int) -> None:
        self._port = port
        self._target = target
        self._lit = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()

    def _do(self, what: object) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(5)  # type: ignore[arg-type]  # coroutines of this class

    def heal(self) -> None:
        self._do(self._open())

    def close(self) -> None:
        self._do(self._close())

    def darken(self) -> None:
        self._do(self._darken())

    async def _open(self) -> None:
        self._lit.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)

    async def _close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _darken(self) -> None:
        self._lit.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._pumps.add(task)
        with suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
            finally:
                back.close()
        writer.close()
        self._pumps.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._lit.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError  # the other direction ends too

    @contextmanager
    def running(self) -> Iterator["Relay"]:
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        try:
            self.heal()
            yield self
        finally:
            self.close()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()
