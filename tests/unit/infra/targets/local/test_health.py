import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.targets.local.health import problem


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A port that answers one connection with `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("http", b"HTTP/1.0 204 No Content\r\n\r\n"), ("redis", b"+PONG\r\n")],
)
def test_a_right_answer_is_no_problem(kind: str, answer: bytes) -> None:
    with answering(answer) as port:
        assert problem(kind, port, "/health") is None


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        ("http", b"HTTP/1.0 503 Busy\r\n\r\n", "status 503"),
        ("http", b"nonsense\r\n", "BadStatusLine"),
        ("redis", b"-LOADING\r\n", "LOADING"),
        ("postgres", b"X", "no response"),
    ],
)
def test_a_wrong_answer_is_told_in_words(kind: str, answer: bytes, words: str) -> None:
    with answering(answer) as port:
        assert words in (problem(kind, port, "/health") or "")


@pytest.mark.parametrize("kind", ["http", "redis", "postgres"])
def test_a_closed_port_is_a_problem(kind: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert problem(kind, unused.getsockname()[1], "/", timeout_s=0.5)
