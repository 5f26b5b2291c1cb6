import pytest

from services.common import http


@pytest.fixture(autouse=True)
def _patient_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' servers share one event loop with their clients, and a busy machine may hold it up for long."""
    monkeypatch.setattr(http, "CONNECT_TIMEOUT_S", 5.0)
