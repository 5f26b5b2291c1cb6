"""Redis's settings in force against those of its command line."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import hiredis

from infra.drift.drift import Drift
from infra.probes.http import TIMEOUT_S, SilentError

COMPONENT = "redis"
COMPARED = ("maxmemory", "maxmemory-policy", "appendonly", "save")
UNITS = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}


def settings_of(command: Sequence[str]) -> dict[str, str]:
    """The compared settings that the command line states, in the words of CONFIG GET."""
    stated = dict(pairwise(command))
    return {name: _bytes(stated[f"--{name}"]) for name in COMPARED if f"--{name}" in stated}


def settings_in(file: str) -> dict[str, str]:
    """The compared settings that a configuration file states, in the words of CONFIG GET."""
    stated = dict(line.split(maxsplit=1) for line in file.splitlines() if len(line.split(maxsplit=1)) == 2)
    return {name: _bytes(stated[name].strip('"')) for name in COMPARED if name in stated}


def _bytes(value: str) -> str:
    """`384mb` as Redis tells it: in bytes."""
    number, unit = value[:-2], value[-2:].lower()
    return str(int(number) * UNITS[unit]) if unit in UNITS and number.isdigit() else value


def read(port: int) -> dict[str, str]:
    """The compared settings that are in force; raises SilentError."""
    (answer,) = _ask(port, [("CONFIG", "GET", *COMPARED)])
    return dict(zip(answer[::2], answer[1::2], strict=True))


def compare(wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[Drift]:
    """Where the settings differ."""
    for name, value in wanted.items():
        if found.get(name) != value:
            yield Drift(COMPONENT, "redis setting", name, value or '""', found.get(name) or '""')


def repair(port: int, wanted: Mapping[str, str]) -> None:
    """Have these settings in force; raises SilentError."""
    _ask(port, [("CONFIG", "SET", name, value) for name, value in wanted.items()])


def _packed(command: tuple[str, ...]) -> bytes:
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # the stub knows pairs only
    return packed


def _ask(port: int, commands: Sequence[tuple[str, ...]]) -> list[Any]:
    """What is answered to each command."""
    answers: list[Any] = []
    reader = hiredis.Reader(encoding="utf-8", notEnoughData=...)
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.sendall(b"".join(map(_packed, commands)))
            while len(answers) < len(commands):
                answer = reader.gets()
                if answer is ...:
                    received = connection.recv(1 << 16)
                    if not received:
                        raise SilentError(f"Redis on port {port} ended the connection")
                    reader.feed(received)
                elif isinstance(answer, hiredis.ReplyError):
                    raise SilentError(f"Redis on port {port}: {answer}")
                else:
                    answers.append(answer)
    except (OSError, hiredis.HiredisError) as error:
        raise SilentError(f"Redis on port {port}: {error}") from None
    return answers
