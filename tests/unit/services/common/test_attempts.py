import asyncio

import aiohttp
import psycopg
import pytest
from prometheus_client import REGISTRY

from services.common.attempts import attempt, outcome
from services.common.errors import NotFoundError, UnavailableError
from services.common.http import Http
from tests.servers import REFUSING, Answer, drops, hangs, streams, upstream


def counted(dependency: str, ended: str) -> float:
    labels = {"dependency": dependency, "outcome": ended}
    return REGISTRY.get_sample_value("dependency_attempt_seconds_count", labels) or 0.0


async def nonsense(url: str) -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.example ready\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server, Http() as http, http.request("GET", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"):
        pass


async def fetch(url: str) -> None:
    limits = aiohttp.ClientTimeout(total=0.05)
    async with Http() as http, http.request("GET", url, timeout=limits) as response:
        await response.read()


@pytest.mark.parametrize(
    ("answer", "ended"), [(None, "refused"), (drops, "reset"), (hangs, "timeout"), (streams(b"x", then=drops), "reset")]
)
async def test_what_went_wrong_with_a_connection_is_told_apart(answer: Answer | None, ended: str) -> None:
    async with upstream(answer or hangs) as served:
        with pytest.raises((aiohttp.ClientError, TimeoutError)) as told:
            await fetch(served.url if answer else REFUSING)
    assert outcome(told.value) == ended


async def test_an_answer_that_is_no_http_is_garbage() -> None:
    with pytest.raises(aiohttp.ClientError) as told:
        await nonsense("")
    assert outcome(told.value) == "garbage"


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (KeyError("embeddings"), "garbage"),
        (psycopg.OperationalError("connection refused"), "refused"),
        (psycopg.errors.ConnectionTimeout(), "timeout"),
        (psycopg.OperationalError("server closed the connection"), "reset"),
        (asyncio.CancelledError(), "cancelled"),
        (RuntimeError(), "error"),
    ],
)
def test_other_ends_have_their_names(error: BaseException, ended: str) -> None:
    assert outcome(error) == ended


@pytest.mark.parametrize(("error", "ended"), [(UnavailableError("502"), "error"), (NotFoundError("no"), "ok")])
def test_an_answer_that_refuses_is_an_answer_and_one_that_fails_is_an_error(error: Exception, ended: str) -> None:
    before = counted("t", ended)
    with pytest.raises(type(error)), attempt("t"):
        raise error
    assert counted("t", ended) == before + 1


def test_each_attempt_is_measured_once() -> None:
    before = counted("t", "ok")
    with attempt("t"):
        pass
    assert counted("t", "ok") == before + 1
