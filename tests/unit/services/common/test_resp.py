import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import hiredis
import pytest
import uvloop
from hiredis import ReplyError

from services.common.resp import Connection
from tests.servers import eventually

Answers = Callable[[list[bytes]], bytes]


class Server:
    """A Redis of a few lines: answers each command as `answers` says, and keeps what came in one piece."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.pieces: list[list[list[bytes]]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        parser = hiredis.Reader()
        while piece := await reader.read(1 << 20):
            parser.feed(piece)
            commands = []
            while (command := parser.gets()) is not False:
                commands.append(command)
            self.pieces.append(commands)
            writer.write(b"".join(map(self.answers, commands)))
        writer.close()


def echo(command: list[bytes]) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(command[-1]), command[-1])


def silence(_: list[bytes]) -> bytes:
    return b""


@asynccontextmanager
async def serving(answers: Answers) -> AsyncIterator[Server]:
    server = Server(answers)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        server.url = f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}/0"
        yield server
        for writer in server.writers:
            writer.close()


async def _each_gets_its_own() -> None:
    async with serving(echo) as server:
        connection = await Connection.open(server.url)
        assert await connection.ask("GET", "alone") == b"alone"
        asked = [connection.ask("GET", f"{number}") for number in range(20)]
        asked[3].cancel()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [answer for answer in found if isinstance(answer, bytes)] == [b"%d" % n for n in range(20) if n != 3]
        assert [len(commands) for commands in server.pieces] == [1, 20]  # what is asked at once goes out at once
        connection.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_answers_find_who_asked_and_one_that_nobody_waits_for_goes_to_nobody(run: Callable[..., None]) -> None:
    run(_each_gets_its_own())


async def test_a_lost_connection_fails_what_waits_and_what_is_asked_later() -> None:
    async with serving(silence) as server:
        connection = await Connection.open(server.url)
        waiting = [connection.ask("GET", "key") for _ in range(2)]
        await eventually(lambda: server.pieces)
        server.writers[0].close()
        failed = await asyncio.gather(*waiting, connection.ask("GET", "key"), return_exceptions=True)
        assert [type(error) for error in failed] == [ConnectionResetError] * 3
        assert connection.lost
        with pytest.raises(ConnectionResetError):
            await connection.ask("GET", "key")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$1\r\nx\r\n$1\r\ny\r\n"])
async def test_what_is_no_answer_to_a_question_ends_the_connection(answer: bytes) -> None:
    async with serving(lambda _: answer) as server:
        connection = await Connection.open(server.url)
        got = (await asyncio.gather(connection.ask("GET", "key"), return_exceptions=True))[0]
        assert got == b"x" or isinstance(got, ValueError)
        await eventually(lambda: connection.lost)


async def test_a_refusal_is_one_commands_and_the_connection_goes_on() -> None:
    async with serving(lambda command: b"-ERR no\r\n" if command[0] == b"SET" else b"+OK\r\n") as server:
        connection = await Connection.open(server.url)
        with pytest.raises(ReplyError, match="ERR no"):
            await connection.ask("SET", "key")
        assert await connection.ask("GET", "key") == b"OK"
        connection.close()


async def test_it_names_itself_and_its_database_before_anything_else() -> None:
    async with serving(lambda _: b"+OK\r\n") as server:
        url = server.url.replace("redis://", "redis://app:p%40ss@").replace("/0", "/2")
        (await Connection.open(url)).close()
        assert [command for commands in server.pieces for command in commands] == [
            [b"AUTH", b"app", b"p@ss"],
            [b"SELECT", b"2"],
        ]


async def test_a_connection_that_redis_refuses_does_not_open() -> None:
    async with serving(lambda _: b"-WRONGPASS\r\n") as server:
        with pytest.raises(ReplyError, match="WRONGPASS"):
            await Connection.open(server.url.replace("redis://", "redis://:wrong@"))


async def test_one_that_is_abandoned_ends_with_the_last_who_waits() -> None:
    async with serving(silence) as server:
        connection = await Connection.open(server.url)
        one, other = connection.ask("GET", "one"), connection.ask("GET", "other")
        one.cancel()
        connection.abandon()
        assert not connection.lost
        other.cancel()
        connection.abandon()
        assert connection.lost


async def test_one_that_is_abandoned_ends_when_the_last_who_waits_has_an_answer() -> None:
    async with serving(echo) as server:
        connection = await Connection.open(server.url)
        overdue, other = connection.ask("GET", "overdue"), connection.ask("GET", "other")
        overdue.cancel()
        connection.abandon()
        assert await other == b"other"
        assert connection.lost
