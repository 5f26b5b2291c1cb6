"""Limit of data: a connection ends in the middle of what it carries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.edge import ToxicFault


@dataclass(frozen=True)
class LimitData(ToxicFault):
    """Closes each connection after `limit` bytes."""

    kind: ClassVar[str] = "limit-data"
    limit: int = 100

    def describe(self) -> str:
        return f"connections cut after {self.limit} bytes of {self.where}"

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "limit_data", {"bytes": self.limit}
