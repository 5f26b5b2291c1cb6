"""Stores that lose what they promised to keep."""

from typing import Any

from chaos.sabotage.defects import change
from infra.embedded.qdrant.replication import Replication


def acknowledged_by_one() -> None:
    """A vector node acknowledges what no other node has."""

    async def nobody_else(self: Replication, job: Any) -> None:
        pass

    change(Replication, "_replicate", lambda _: nobody_else)
