from datetime import date
from pathlib import Path

import pytest

from services.common.settings import DatabaseSettings, QdrantSettings, ServiceSettings, load


class Told(ServiceSettings, QdrantSettings, DatabaseSettings):
    port: int = 1


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Told.model_fields:
        for variable in (name.upper(), f"{name.upper()}_FILE"):
            monkeypatch.delenv(variable, raising=False)


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """What `load` says when it refuses, which it must do with status 2."""
    with pytest.raises(SystemExit) as stopped:
        load(Told)
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.endswith("\n")
    assert said.count("\n") == 1
    return said


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTER_SERVICE_SECRET", "s3")
    monkeypatch.setenv("PORT", "99")
    monkeypatch.setenv("LOG_LEVEL", "")  # as if it were not there
    monkeypatch.setenv("LEGACY_SUNSET", "2030-01-02")
    told = load(Told)
    assert (told.port, told.log_level, told.legacy_sunset) == (99, "INFO", date(2030, 1, 2))
    assert told.service_secret.sent() == "s3"


def test_a_secret_may_stand_in_a_file_which_then_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("filed\n")
    monkeypatch.setenv("INTER_SERVICE_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("INTER_SERVICE_SECRET", "plain")
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(tmp_path / "secret"))
    told = load(Told)
    assert told.service_secret.sent() == "filed"
    assert not told.service_secret.accepts(b"plain")
    assert told.database_password
    assert told.database_password.get_secret_value() == "filed"


def test_no_secret_shows_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTER_SERVICE_SECRET", "hidden")
    monkeypatch.setenv("DATABASE_PASSWORD", "hidden")
    assert "hidden" not in repr(load(Told))


def test_without_a_secret_a_service_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys) == "refusing to start: INTER_SERVICE_SECRET: Field required\n"


def test_an_empty_secret_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for empty in ("", " "):
        monkeypatch.setenv("INTER_SERVICE_SECRET", empty)
        assert "INTER_SERVICE_SECRET" in refusal(capsys)
    (tmp_path / "empty").write_text("\n")
    monkeypatch.setenv("INTER_SERVICE_SECRET_FILE", str(tmp_path / "empty"))
    assert "INTER_SERVICE_SECRET" in refusal(capsys)


def test_a_secrets_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTER_SERVICE_SECRET_FILE", str(tmp_path / "none"))
    assert refusal(capsys) == f"refusing to start: cannot read {tmp_path / 'none'}: No such file or directory\n"


def test_every_wrong_setting_is_named_and_no_secret_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "http")
    monkeypatch.setenv("LOG_LEVEL", "chatty")
    monkeypatch.setenv("QDRANT_URLS", " , ")
    monkeypatch.setenv("INTER_SERVICE_SECRET", "hidden")
    said = refusal(capsys)
    assert all(name in said for name in ("PORT: ", "LOG_LEVEL: ", "QDRANT_URLS: "))
    assert "hidden" not in said


def test_addresses_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTER_SERVICE_SECRET", "x")
    monkeypatch.setenv("QDRANT_URLS", "http://a:1/, http://b:2 ,")
    assert load(Told).qdrant_urls == ("http://a:1", "http://b:2")
