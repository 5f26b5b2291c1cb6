import pytest

from chaos.suite import SUITE, Suite


@pytest.fixture(scope="session")
def suite(request: pytest.FixtureRequest) -> Suite:
    """The run that the experiments belong to."""
    if SUITE not in request.config.stash:
        pytest.exit("experiments need a stack to break: `make chaos`, or python -m chaos run", returncode=2)
    return request.config.stash[SUITE]
