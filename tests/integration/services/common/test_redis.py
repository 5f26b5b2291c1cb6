"""The cache's client against a real Redis, and against what a Redis can turn into."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from time import perf_counter
from typing import Any

import pytest
import redis as library
from prometheus_client import REGISTRY

from services.common import redis as client
from services.common.breaker import BreakerOpenError
from services.common.redis import Redis, RedisUnavailableError
from services.common.tasks import end
from tests.redis import Server, redis
from tests.servers import eventually

PATIENT_S = 0.3  # in place of the cache's 15 ms, which a Redis on a machine at work elsewhere may miss
QUICK_S = 0.5  # what a call may cost beside what it waits; a machine at work elsewhere takes its time


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT_S", PATIENT_S)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with redis() as running:
        yield running


@pytest.fixture
async def cache(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    monkeypatch.setattr(client, "RECOVERY_S", 0.05)
    async with Redis(server.url) as opened:
        yield opened


@asynccontextmanager
async def pretending(answer: bytes | None, *, after_s: float = 0.0) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Takes connections and answers each command with the same bytes, or never; and what it was asked."""
    asked: list[bytes] = []
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError), closing(writer):
            while command := await reader.read(65536):
                asked.append(command)
                await asyncio.sleep(after_s)
                writer.write(answer or b"")

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    listener = await asyncio.start_server(begin, "127.0.0.1", 0)
    async with listener:
        yield f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}/0", asked
        await end(*serving)


async def fails(cache: Redis, *, asked: bool | None = None) -> float:
    """Seconds that a failing read takes; Redis was asked, or was not, if `asked` says so."""
    started = perf_counter()
    with pytest.raises(RedisUnavailableError) as failure:
        await cache.get("key")
    if asked is not None:
        assert asked is not isinstance(failure.value.__cause__, BreakerOpenError)
    return perf_counter() - started


async def works(cache: Redis) -> bool:
    with suppress(RedisUnavailableError):
        await cache.get("key")
        return True
    return False


async def until_it_works(cache: Redis) -> None:
    deadline = perf_counter() + 20
    while not await works(cache):
        assert perf_counter() < deadline
        await asyncio.sleep(0.01)


def attempts(outcome: str) -> float:
    labels = {"dependency": "redis", "outcome": outcome}
    return REGISTRY.get_sample_value("dependency_attempt_seconds_count", labels) or 0.0


def direct(server: Server) -> Any:
    """Redis by its usual client."""
    return library.Redis(port=server.port, single_connection_client=True)


async def test_what_was_kept_is_given_back_and_will_be_forgotten(server: Server, cache: Redis) -> None:
    value = bytes(range(256)) * 1000
    assert await cache.get("none") is None
    assert await cache.set("key", value, ttl_s=60)
    assert await cache.get("key") == value
    assert 0 < direct(server).ttl("key") <= 60


async def test_many_at_once_get_each_their_own(cache: Redis) -> None:
    for number in range(50):
        await cache.set(f"key-{number}", str(number).encode(), ttl_s=60)
    found = await asyncio.gather(*(cache.get(f"key-{number}") for number in range(50)))
    assert found == [str(number).encode() for number in range(50)]


async def test_a_reader_that_leaves_does_not_leave_its_answer_to_the_next(cache: Redis) -> None:
    await cache.set("key", b"mine", ttl_s=60)
    await cache.set("other", b"other", ttl_s=60)
    for turns in range(12):  # of the event loop, before it leaves
        leaving = asyncio.create_task(cache.get("other"))
        for _ in range(turns):
            await asyncio.sleep(0)
        leaving.cancel()
        assert await cache.get("key") == b"mine"
        await asyncio.wait({leaving})


async def test_killed_in_flight_it_fails_once_and_is_found_again(
    server: Server, cache: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await cache.set("key", b"x", ttl_s=60)
    server.signal(signal.SIGSTOP)  # so that the call is certainly under way
    asking = asyncio.create_task(cache.get("key"))
    await asyncio.sleep(0)
    server.kill()
    with pytest.raises(RedisUnavailableError):
        await asking
    assert await fails(cache, asked=False) < QUICK_S
    for _ in range(5):
        assert await fails(cache) < QUICK_S
        await asyncio.sleep(0.02)
    server.start()
    await until_it_works(cache)
    assert await cache.get("key") is None
    messages = [record.message for record in caplog.records if record.name == client.__name__]
    assert [message.partition(":")[0] for message in messages] == ["Redis lost", "Redis is back"]


async def test_a_connection_that_a_restart_broke_costs_one_failure_at_most(server: Server, cache: Redis) -> None:
    await until_it_works(cache)
    server.kill()
    server.start()
    failures = 0
    for _ in range(40):
        failures += not await works(cache)
        await asyncio.sleep(0.005)
    assert failures <= 20  # the breaker's recovery, and not a failure for each connection
    await until_it_works(cache)
    assert all(await asyncio.gather(*(works(cache) for _ in range(30))))


async def test_a_redis_that_hangs_costs_one_call_its_time(server: Server, cache: Redis) -> None:
    assert await works(cache)
    before = attempts("timeout")
    server.signal(signal.SIGSTOP)
    try:
        assert PATIENT_S <= await fails(cache) < PATIENT_S + QUICK_S
        skipped = [await fails(cache, asked=False) for _ in range(5)]
        assert max(skipped) < QUICK_S
        assert attempts("timeout") == before + 1
    finally:
        server.signal(signal.SIGCONT)
    await until_it_works(cache)


async def test_a_listener_that_never_answers_or_never_accepts_fails_in_time() -> None:
    async with pretending(None) as (url, _), Redis(url) as cache:
        assert PATIENT_S <= await fails(cache) < PATIENT_S + QUICK_S
    with socket.socket() as full:  # its queue of connections is full, so that further ones are not even refused
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        queued = []
        for _ in range(3):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
            queued.append(waiting)
        async with Redis(f"redis://127.0.0.1:{full.getsockname()[1]}/0") as cache:
            assert PATIENT_S <= await fails(cache) < PATIENT_S + QUICK_S
        for waiting in queued:
            waiting.close()


async def test_only_one_call_at_a_time_tries_a_redis_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "RECOVERY_S", 0.03)
    async with pretending(None) as (url, asked), Redis(url) as cache:
        await fails(cache)
        assert len(asked) == 1
        await asyncio.sleep(0.04)
        await asyncio.gather(*(fails(cache) for _ in range(20)))
        assert len(asked) == 2


async def test_a_slow_redis_is_used_as_long_as_it_is_in_time() -> None:
    async with pretending(b"$1\r\nx\r\n", after_s=PATIENT_S / 5) as (url, _), Redis(url) as cache:
        assert await cache.get("key") == b"x"
    async with pretending(b"$1\r\nx\r\n", after_s=10 * QUICK_S) as (url, _), Redis(url) as cache:
        assert PATIENT_S <= await fails(cache) < PATIENT_S + QUICK_S


async def test_a_call_ends_within_the_promised_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The best of some calls: the others wait for a processor, and not for Redis."""
    monkeypatch.undo()
    took = []
    async with pretending(None) as (url, _):
        for _ in range(20):
            async with Redis(url) as cache:
                took.append(await fails(cache, asked=True))
    assert 0.015 <= min(took) < 0.025, took


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\xff\xfe garbage \r\n",
        b":5\r\n",
        b"*1\r\n$1\r\nx\r\n",
        b"-ERR \xff\xfe\r\n",
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"$999999999\r\nx",
    ],
)
async def test_nonsense_is_a_failure_and_no_value(answer: bytes) -> None:
    async with pretending(answer) as (url, _), Redis(url) as cache:
        assert await fails(cache) < QUICK_S
        assert await fails(cache, asked=False) < QUICK_S


async def test_a_full_redis_refuses_writes_and_is_read_all_the_same(
    server: Server, cache: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await cache.set("key", b"x", ttl_s=60)
    direct(server).config_set("maxmemory-policy", "noeviction")
    direct(server).config_set("maxmemory", 1)
    try:
        assert not await cache.set("more", b"x", ttl_s=60)
        assert not await cache.set("more", b"x", ttl_s=60)
        assert await cache.get("key") == b"x"
    finally:
        direct(server).config_set("maxmemory", 0)
    assert await cache.set("more", b"x", ttl_s=60)
    messages = [record.message for record in caplog.records if record.name == client.__name__]
    assert messages == ["Redis is full", "Redis has room again"]


async def test_a_busy_process_does_not_take_its_own_slowness_for_redis(
    cache: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setattr(client, "LAST_LOOK_S", (PATIENT_S, PATIENT_S))
    await cache.set("key", b"x", ttl_s=60)
    for turns in range(4):  # of the event loop, before it stalls: in one of them the command is not yet sent
        asking = asyncio.create_task(cache.get("key"))
        for _ in range(turns):
            await asyncio.sleep(0)
        time.sleep(1.1 * PATIENT_S)  # noqa: ASYNC251 - what is tested
        assert await asking == b"x"


async def test_told_to_stay_closed_it_is_asked_each_time() -> None:
    async with pretending(b"nonsense") as (url, asked), Redis(url, force_closed=True) as cache:
        for _ in range(3):
            await fails(cache)
        await eventually(lambda: len(asked) == 3)
