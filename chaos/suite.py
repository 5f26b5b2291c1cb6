"""What all experiments of a run share: the stack under test, the record, and how long its breakers stay open."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from chaos.observe import Observed
from chaos.record import Run
from chaos.stack import Stack
from infra.commands import status

SERVICES = ("query", "rag-service", "collections", "ingestion")


@dataclass(frozen=True)
class Suite:
    """A run of the suite on a stack that is up."""

    stack: Stack
    run: Run
    folder: Path  # of the run's record
    recovery_s: float  # as the stack's breakers are set
    consumer: str = "app"

    @property
    def quick(self) -> bool:
        """Whether the stack's breakers recover so fast that every experiment can wait for them."""
        return self.run.quick

    @cached_property
    def observed(self) -> Observed:
        """The services' metrics and logs."""
        metrics = {name: f"{self.stack.url(name)}/metrics" for name in SERVICES}
        return Observed(metrics, {name: self.stack.paths.log(name) for name in SERVICES})

    def unhealthy(self) -> list[str]:
        """The components that are not healthy now, with the reason."""
        return status.unhealthy(self.stack.paths)


SUITE = pytest.StashKey[Suite]()
"""Where pytest's configuration holds the run, for the fixture `suite`."""


def recovery_s(stack: Stack) -> float:
    """How long the stack's breakers stay open; raises OSError where its query service does not answer."""
    asked = Request(f"{stack.url('query')}/internal/breakers", headers={"X-Service-Token": stack.service_token})
    with urlopen(asked, timeout=5) as answer:
        return float(json.load(answer)["breakers"][0]["recovery_s"])
