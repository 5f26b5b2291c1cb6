"""The real parts, where there is a Docker engine with their images; elsewhere these tests are skipped and say why."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.containers.parts import open_engine, remove_left_overs


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    engine = open_engine()
    remove_left_overs(engine)
    yield engine
    engine.close()
