import pytest

from services.common import versions


@pytest.fixture(autouse=True)
def _short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "LEASE_S", 0.05)
