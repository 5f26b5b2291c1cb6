"""Is a component of this machine serving? One attempt each, with an answer in words when it is not."""

import http.client
import socket
from collections.abc import Callable
from contextlib import closing

from psycopg import pq

HOST = "127.0.0.1"


def http_answers(port: int, path: str, timeout_s: float) -> str | None:
    """None if GET `path` answers 2xx, else what happened."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=timeout_s)) as connection:
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            return f"GET {path} on port {port}: {error!r}"
    return None if response.status < 300 else f"GET {path} on port {port}: status {response.status}"


def redis_answers(port: int, _path: str, timeout_s: float) -> str | None:
    """None if PING gets PONG, else what happened."""
    try:
        with socket.create_connection((HOST, port), timeout_s) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
    except OSError as error:
        return f"PING on port {port}: {error}"
    return None if answer.startswith(b"+PONG") else f"PING on port {port}: {answer!r}"


def postgres_answers(port: int, _path: str, timeout_s: float) -> str | None:
    """None if the server takes connections (libpq's own ping needs no password), else what happened."""
    conninfo = f"host={HOST} port={port} dbname=postgres connect_timeout={max(2, round(timeout_s))}"
    state = pq.Ping(pq.PGconn.ping(conninfo.encode()))
    return None if state == pq.Ping.OK else f"Postgres on port {port}: {state.name.lower().replace('_', ' ')}"


CHECKS: dict[str, Callable[[int, str, float], str | None]] = {
    "http": http_answers,
    "redis": redis_answers,
    "postgres": postgres_answers,
}


def problem(kind: str, port: int, path: str, *, timeout_s: float = 2.0) -> str | None:
    """None if the component serves, else the reason in words; takes at most about `timeout_s` seconds."""
    return CHECKS[kind](port, path, timeout_s)
