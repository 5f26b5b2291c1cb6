"""Each fault against real processes: that it happens, as measured from outside, and that nothing of it stays."""

import http.client
import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg
import pytest
import redis

from chaos.faults import (
    FAULTS,
    BadConfiguration,
    Bandwidth,
    BlackHole,
    Down,
    Fault,
    FaultNotInForceError,
    Flapping,
    FullCache,
    Garbage,
    Kill,
    Latency,
    LimitData,
    Partition,
    Pause,
    Program,
    Reset,
    Restart,
    Slicer,
    from_json,
    to_json,
)
from chaos.process import Process
from chaos.stack import UP, Stack
from chaos.toxiproxy import Proxy
from tests.integration.chaos.running import EDGE, eventually, small_stack
from tests.integration.chaos.server import BODY

EACH: list[Fault] = [
    BadConfiguration(),
    Bandwidth(EDGE, rate_kb_s=100),
    BlackHole(EDGE),
    Down(EDGE),
    Flapping(EDGE, down_s=0.1, up_s=0.1),
    FullCache(),
    Garbage(EDGE),
    Kill("ollama", stays_down=True),
    Latency(EDGE, latency_ms=100),
    LimitData(EDGE, limit=100),
    Partition("qdrant-1"),
    Pause("ollama"),
    Program("ollama", {"COLOUR": "blue"}),
    Reset(EDGE),
    Restart("ollama"),
    Slicer(EDGE),
]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with small_stack("toxiproxy", "redis", "ollama", "kong") as running:
        yield running


@contextmanager
def in_force(stack: Stack, fault: Fault) -> Iterator[None]:
    saved = json.loads(json.dumps(fault.prepare(stack)))
    try:
        fault.inject(stack, saved)
        fault.verify(stack, saved)
        yield
    finally:
        fault.heal(stack, saved)


def port(stack: Stack, edge: str = EDGE) -> int:
    return stack.edge(edge).listen


def connected(port_: int, timeout_s: float = 3.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_), timeout_s)


def get(port_: int, count: int = 1, timeout_s: float = 3.0) -> bytes:
    with closing(http.client.HTTPConnection("127.0.0.1", port_, timeout=timeout_s)) as connection:
        connection.request("GET", f"/{count}")
        return connection.getresponse().read()


def pieces(connection: socket.socket, question: bytes = b"GET /1000 HTTP/1.0\r\n\r\n") -> list[bytes]:
    connection.sendall(question)
    found = []
    while piece := connection.recv(65536):
        found.append(piece)
    return found


def seconds(call: Callable[[], object]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def fastest(call: Callable[[], object]) -> float:
    """The seconds that it takes when nothing else happens to run on this machine."""
    return min(seconds(call) for _ in range(3))


def serves(stack: Stack) -> bool:
    try:
        return get(port(stack)) == BODY[:1]
    except (OSError, http.client.HTTPException):
        return False


def state_of(stack: Stack) -> tuple[Proxy, Proxy, bool, dict[str, object], str]:
    """Everything that the faults here change and must put back."""
    with redis.Redis(port=stack.port("redis", "redis"), decode_responses=True) as client:
        cache: dict[str, object] = client.config_get("maxmemory*")
    proxies = stack.toxiproxy
    routes = (stack.paths.run("kong") / "rds.json").read_text()
    return proxies.proxy(EDGE), proxies.proxy("peers->qdrant-1"), stack.state("ollama") in UP, cache, routes


def running(stack: Stack) -> Process:
    process = stack.process("ollama")
    assert process is not None
    return process


def test_every_kind_of_fault_is_tried_here() -> None:
    elsewhere = {"schema-gone", "single-node"}  # test_schema.py has a database; the other needs a vector cluster
    assert [fault.kind for fault in EACH] == [kind for kind in FAULTS if kind not in elsewhere]


@pytest.mark.parametrize("fault", EACH, ids=lambda fault: fault.kind)
def test_a_fault_is_not_in_force_before_it_is_injected_and_heals_from_its_json_alone(
    stack: Stack, fault: Fault
) -> None:
    before = state_of(stack)
    known = from_json(json.loads(json.dumps(to_json(fault))))
    assert known == fault
    saved = json.loads(json.dumps(fault.prepare(stack)))
    known.heal(stack, saved)  # of an injection that never was
    assert state_of(stack) == before
    with pytest.raises(FaultNotInForceError):
        fault.verify(stack, saved)
    fault.inject(stack, saved)
    try:
        fault.verify(stack, saved)
    finally:
        known.heal(stack, saved)
    known.heal(stack, saved)
    eventually(lambda: state_of(stack) == before)
    eventually(lambda: serves(stack))
    if not isinstance(fault, Kill | Restart):  # what has ended stays ended
        with pytest.raises(FaultNotInForceError):
            fault.verify(stack, saved)


def test_latency_delays_each_way_and_no_longer_when_healed(stack: Stack) -> None:
    for stream, least in (("up", 0.1), ("down", 0.1), ("both", 0.2)):
        with in_force(stack, Latency(EDGE, stream, latency_ms=100)):  # type: ignore[arg-type]  # a loop's literals
            assert least <= fastest(lambda: get(port(stack))) < least + 0.09, stream
    assert fastest(lambda: get(port(stack))) < 0.09


def test_jitter_spreads_the_delay(stack: Stack) -> None:
    with in_force(stack, Latency(EDGE, latency_ms=50, jitter_ms=45)):
        took = [seconds(lambda: get(port(stack))) for _ in range(6)]
    assert max(took) - min(took) > 0.01
    assert min(took) > 0.004


def test_a_black_hole_takes_connections_and_says_nothing_also_on_open_ones(stack: Stack) -> None:
    with connected(port(stack), 0.2) as older, in_force(stack, BlackHole(EDGE)), connected(port(stack), 0.2) as newer:
        for connection in (older, newer):
            with pytest.raises(TimeoutError):
                pieces(connection, b"GET /1 HTTP/1.1\r\n\r\n")
    assert get(port(stack)) == BODY[:1]


def test_a_reset_is_one_and_spares_no_open_connection(stack: Stack) -> None:
    with connected(port(stack)) as older:
        older.sendall(b"GET /1 HTTP/1.1\r\n\r\n")
        assert older.recv(1000)
        with in_force(stack, Reset(EDGE)):
            with connected(port(stack)) as newer, pytest.raises(ConnectionResetError):
                pieces(newer)
            assert older.recv(1000) in {b"", BODY[:1]}
            assert older.recv(1000) == b""
    assert get(port(stack)) == BODY[:1]


def test_bandwidth_is_what_was_asked_for(stack: Stack) -> None:
    with in_force(stack, Bandwidth(EDGE, rate_kb_s=100)):
        took = seconds(lambda: get(port(stack), 30_000))
    assert 0.25 <= took < 2
    assert fastest(lambda: get(port(stack), 30_000)) < 0.2


def test_a_slicer_cuts_and_its_delay_is_in_milliseconds(stack: Stack) -> None:
    with in_force(stack, Slicer(EDGE, size=100, delay_ms=20)), connected(port(stack)) as connection:
        started = time.monotonic()
        found = pieces(connection)
        took = time.monotonic() - started
    assert len(found) >= 8
    assert b"".join(found).endswith(BODY[:1000])
    assert 0.16 <= took < 5


def test_limited_data_ends_after_so_many_bytes(stack: Stack) -> None:
    with in_force(stack, LimitData(EDGE, limit=123)), connected(port(stack)) as connection:
        assert len(b"".join(pieces(connection))) == 123
    assert len(get(port(stack), 1000)) == 1000


def test_down_refuses_and_ends_open_connections(stack: Stack) -> None:
    with connected(port(stack)) as older, in_force(stack, Down(EDGE)):
        with pytest.raises(ConnectionRefusedError):
            connected(port(stack))
        assert older.recv(1000) == b""
    assert get(port(stack)) == BODY[:1]


def test_the_outer_of_two_faults_on_an_edge_outlasts_the_inner(stack: Stack) -> None:
    with in_force(stack, Down(EDGE)):
        with in_force(stack, Down(EDGE)):
            pass
        with pytest.raises(ConnectionRefusedError):
            connected(port(stack))
    with in_force(stack, Latency(EDGE, latency_ms=100)):
        with in_force(stack, Latency(EDGE, latency_ms=1000)):
            pass
        assert 0.1 <= fastest(lambda: get(port(stack))) < 0.3


def test_flapping_is_down_and_up_by_turns(stack: Stack) -> None:
    def turns() -> int:
        seen: list[bool] = []
        deadline = time.monotonic() + 0.6
        while time.monotonic() < deadline:
            if seen[-1:] != [now := serves(stack)]:
                seen.append(now)
        return len(seen)

    with in_force(stack, Flapping(EDGE, down_s=0.1, up_s=0.1)):
        assert any(turns() >= 4 for _ in range(10)), "a busy machine may miss some, but not ten times"
    assert serves(stack)


def test_garbage_is_no_http_no_redis_and_no_postgres(stack: Stack) -> None:
    with in_force(stack, Garbage(EDGE)), pytest.raises(http.client.BadStatusLine):
        get(port(stack))
    edge = "query->redis"
    with redis.Redis(port=port(stack, edge)) as client:
        with in_force(stack, Garbage(edge)), pytest.raises(redis.exceptions.RedisError):
            client.ping()
        assert client.ping()
    edge = "query->timescaledb"
    with in_force(stack, Garbage(edge)), pytest.raises(psycopg.OperationalError, match="invalid response"):
        psycopg.connect(host="127.0.0.1", port=port(stack, edge), user="x", connect_timeout=3)


def test_a_garbage_page_is_a_success_of_somebody_else(stack: Stack) -> None:
    with in_force(stack, Garbage(EDGE, "page")):
        assert b"intentionally left blank" in get(port(stack))
    assert get(port(stack)) == BODY[:1]


def test_a_killed_program_is_another_afterwards(stack: Stack) -> None:
    eventually(lambda: stack.state("ollama") == "RUNNING")
    first = running(stack)
    with in_force(stack, Kill("ollama")):
        eventually(lambda: stack.process("ollama") not in {None, first})
        eventually(lambda: serves(stack))
    assert not first.alive


def test_a_program_that_is_kept_down_comes_back_when_healed(stack: Stack) -> None:
    first = running(stack)
    with in_force(stack, Kill("ollama", stays_down=True)):
        time.sleep(0.3)  # the supervisor would have started it by now
        with pytest.raises(ConnectionRefusedError):
            connected(stack.port("ollama"))
    eventually(lambda: serves(stack))
    assert running(stack) != first


def test_a_pause_stops_the_program_and_its_children(stack: Stack) -> None:
    family = running(stack).family()
    assert len(family) == 2
    with in_force(stack, Pause("ollama")):
        assert [one.state for one in family] == ["T", "T"]
        with pytest.raises(TimeoutError):
            get(stack.port("ollama"), timeout_s=0.2)
    assert running(stack).family() == family
    eventually(lambda: "T" not in [one.state for one in family])
    assert serves(stack)


def test_a_program_with_other_settings_has_its_own_again_also_after_half_a_healing(stack: Stack) -> None:
    fault = Program("ollama", {"COLOUR": "blue"})
    saved = fault.prepare(stack)
    fault.inject(stack, saved)
    try:
        fault.verify(stack, saved)
        (stack.paths.run("ollama") / "program.json").write_text(saved["specification"])  # and then it died
    finally:
        fault.heal(stack, saved)
    eventually(lambda: serves(stack))
    with pytest.raises(FaultNotInForceError, match="COLOUR=blue"):
        fault.verify(stack, saved)


def test_a_partition_takes_away_the_node_its_peers_messages(stack: Stack) -> None:
    class Echo(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(self.request.recv(100))

    with ExitStack() as closing_:
        server = closing_.enter_context(socketserver.TCPServer(("127.0.0.1", stack.port("qdrant-1", "p2p")), Echo))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        closing_.callback(thread.join)
        closing_.callback(server.shutdown)
        listens = port(stack, "peers->qdrant-1")
        with in_force(stack, Partition("qdrant-1")), pytest.raises(ConnectionRefusedError):
            connected(listens)
        silent = Partition("qdrant-1", silent=True)
        with in_force(stack, silent), connected(listens, 0.2) as peer, pytest.raises(TimeoutError):
            pieces(peer, b"vote")
        with connected(listens) as peer:
            assert pieces(peer, b"vote") == [b"vote"]


def test_a_gateway_that_is_given_half_a_file_goes_on_by_the_whole_one(stack: Stack) -> None:
    def answers() -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", stack.port("kong"), timeout=3)) as connection:
            connection.request("GET", "/api/v1/rag/search")
            return connection.getresponse().status

    assert answers() == 401
    for file in ("rds.json", "lds.json", "cds.json"):
        with in_force(stack, BadConfiguration(file)):
            assert answers() == 401
        assert json.loads((stack.paths.run("kong") / file).read_text())["resources"]


def test_healing_leaves_a_later_deployments_file_alone(stack: Stack) -> None:
    path = stack.paths.run("kong") / "rds.json"
    whole = path.read_text()
    with in_force(stack, BadConfiguration()):
        path.write_text(whole + "\n")
    assert path.read_text() == whole + "\n"


def test_a_full_cache_reads_and_refuses_writes(stack: Stack) -> None:
    with redis.Redis(port=stack.port("redis", "redis"), decode_responses=True) as client:
        client.set("key", "value")
        with in_force(stack, FullCache()):
            assert client.get("key") == "value"
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                client.set("key", "other")
        assert client.config_get("maxmemory") == {"maxmemory": str(384 * 2**20)}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
        client.set("key", "other")
        assert client.keys() == ["key"]
