import pytest

from services.collections.replicas import check, repair


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is worth waiting for."""
    monkeypatch.setattr(check, "SETTLE_S", 0)
    monkeypatch.setattr(check, "AGAIN_S", 0.01)
    monkeypatch.setattr(repair, "RETRY_S", 0.001)
