from typing import Any

import pytest

from infra.gateway.kong import GatewaySettings, RateLimit, kong_config
from infra.topology import topology

SECRETS = {"app": "a" * 32, "load": "b" * 32}


@pytest.fixture
def kong() -> dict[str, Any]:
    shape = topology()
    settings = GatewaySettings(consumers=SECRETS, rate_limits={"load": RateLimit(60000, 1000000)})
    return kong_config(shape, lambda c, d: f"127.0.0.1:{shape.edge(c, d).listen}", settings)
