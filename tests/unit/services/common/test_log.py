import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from services.common import log
from services.common.middleware.request_id import request_id
from tests.servers import eventually


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What goes to stdout while the root logger is the service's."""
    root, pool = logging.getLogger(), logging.getLogger("psycopg.pool")
    before = list(root.handlers), root.level, pool.level
    for handler in before[0]:
        root.removeHandler(handler)  # `configure` would close pytest's
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    log.configure("query", "INFO")
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    pool.setLevel(before[2])


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    for handler in logging.getLogger().handlers:
        handler.flush()
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_says_when_how_bad_which_service_which_request_and_what(written: io.StringIO) -> None:
    token = request_id.set("one")
    logging.getLogger("anything").info("request", extra={"path": "/x", "status": 200})
    request_id.reset(token)
    logging.getLogger("anything").warning("node %s", "skipped")
    first, second = lines(written)
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "info",
        "service": "query",
        "request_id": "one",
        "event": "request",
        "path": "/x",
        "status": 200,
    }
    assert (second["level"], second["request_id"], second["event"]) == ("warning", None, "node skipped")


def test_an_exception_stays_on_its_line(written: io.StringIO) -> None:
    try:
        int("first\nsecond")
    except ValueError:
        logging.getLogger("x").exception("request failed unexpectedly")
    (line,) = lines(written)
    assert "ValueError: invalid literal" in line["traceback"]


def test_whatever_is_passed_becomes_a_line_and_a_secret_stays_one(written: io.StringIO) -> None:
    logger = logging.getLogger("x")
    logger.info("odd", extra={"secret": SecretStr("hidden"), "by_number": {1: "one"}})
    logger.info("odder", extra={"secret": SecretStr("hidden"), "file": "\udcff.md", "huge": 2**70})
    odd, odder = lines(written)
    assert (odd["secret"], odd["by_number"]) == ("**********", {"1": "one"})
    assert (odder["secret"], odder["file"], odder["huge"]) == ("**********", "\udcff.md", 2**70)


def test_what_is_below_the_level_is_not_written(written: io.StringIO) -> None:
    logging.getLogger("x").debug("detail")
    logging.getLogger("psycopg.pool").warning("error connecting")
    assert lines(written) == []


def test_lines_wait_for_each_other_a_moment_and_a_warning_takes_them_along(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "LINGER_S", 3600)
    logging.getLogger("x").info("one")
    logging.getLogger("x").info("two")
    assert written.getvalue() == ""
    logging.getLogger("x").warning("three")
    assert [line["event"] for line in map(json.loads, written.getvalue().splitlines())] == ["one", "two", "three"]


async def test_a_line_is_written_within_its_moment(written: io.StringIO) -> None:
    logging.getLogger("x").info("one")
    await eventually(written.getvalue)
    logging.getLogger("x").info("two")
    await eventually(lambda: "two" in written.getvalue())


def test_what_cannot_be_rendered_harms_nobody(written: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    class Unsayable:
        def __str__(self) -> str:
            raise RuntimeError("unsayable")

    logging.getLogger("x").warning("odd", extra={"odd": Unsayable()})
    logging.getLogger("x").warning("next")
    assert [line["event"] for line in lines(written)] == ["next"]
    assert "unsayable" in capsys.readouterr().err
