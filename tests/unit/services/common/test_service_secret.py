import logging
import os
import re
from pathlib import Path

import pytest

from services.common.service_secret import POLL_S, ServiceSecret, fingerprint


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("old")
    return tmp_path / "secret"


@pytest.fixture
def secret(file: Path, clock: Clock) -> ServiceSecret:
    return ServiceSecret(file.read_text(), file, clock=clock)


def move_in(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def accepted(secret: ServiceSecret, *candidates: str) -> set[str]:
    return {candidate for candidate in candidates if secret.accepts(candidate.encode())}


def test_the_first_is_sent_and_all_are_accepted(secret: ServiceSecret, file: Path) -> None:
    move_in(file, "old\nnew\n")
    assert secret.sent() == "old"
    assert accepted(secret, "old", "new", "", "oldnew", "old\nnew", "ol") == {"old", "new"}


def test_a_change_is_seen_at_the_next_use_that_is_half_a_second_later(
    secret: ServiceSecret, file: Path, clock: Clock
) -> None:
    assert secret.sent() == "old"
    move_in(file, "new")
    clock.now += POLL_S - 0.01
    assert secret.sent() == "old"
    clock.now += 0.01
    assert secret.sent() == "new"
    assert accepted(secret, "old", "new") == {"new"}


def test_an_unchanged_file_is_not_read_again(secret: ServiceSecret, file: Path, clock: Clock) -> None:
    assert secret.sent() == "old"
    times = file.stat()
    file.write_text("odd")  # the same size, and below the same time
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    clock.now += POLL_S
    assert secret.sent() == "old"


@pytest.mark.parametrize("broken", ["", " \n", None, b"\xff\xfe"])
def test_a_broken_file_keeps_the_old_secret_and_is_told_of_once(
    secret: ServiceSecret, file: Path, clock: Clock, broken: str | bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    if broken is None:
        file.unlink()
    else:
        file.write_bytes(broken.encode() if isinstance(broken, str) else broken)
    for _ in range(3):
        assert secret.sent() == "old"
        assert accepted(secret, "old", "") == {"old"}
        clock.now += POLL_S
    assert [record.getMessage() for record in caplog.records] == ["the service secret stays as it was"]
    move_in(file, "new")
    assert secret.sent() == "new"


def test_a_change_is_logged_by_fingerprint_and_never_in_clear(
    secret: ServiceSecret, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    move_in(file, "old-secret new-secret")
    secret.sent()
    (record,) = caplog.records
    assert vars(record)["accepts"] == [fingerprint("old-secret"), fingerprint("new-secret")]
    assert "secret" not in str(vars(record)["accepts"])


def test_without_a_file_the_secret_stays(clock: Clock) -> None:
    secret = ServiceSecret("current previous", clock=clock)
    clock.now += 60
    assert secret.sent() == "current"
    assert accepted(secret, "current", "previous") == {"current", "previous"}


def test_the_report_tells_how_long_each_secret_is_unused(secret: ServiceSecret, file: Path, clock: Clock) -> None:
    secret.accepts(b"old")
    clock.now += 2
    move_in(file, "new old")
    assert secret.report() == {"sends": fingerprint("new"), "accepts": {fingerprint("new"): 0, fingerprint("old"): 2}}
    clock.now += 1
    secret.accepts(b"old")
    clock.now += 0.25
    assert secret.report()["accepts"] == {fingerprint("new"): 1.25, fingerprint("old"): 0.25}


def test_a_fingerprint_is_short_and_each_secrets_own() -> None:
    assert re.fullmatch("[0-9a-f]{12}", fingerprint("a"))
    assert fingerprint("a") == fingerprint("a") != fingerprint("b")
