"""Schema: the database answers, and what the services know is not in it; what dropping the schema looks like."""

from dataclasses import dataclass
from typing import ClassVar

from chaos import database
from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.stack import Stack

_THERE = "SELECT 1 FROM information_schema.schemata WHERE schema_name = %s"


@dataclass(frozen=True)
class SchemaGone:
    """Renames schema `rag`, so that nothing in it is lost; healing gives it its name back."""

    kind: ClassVar[str] = "schema-gone"
    component: str = "timescaledb"

    @property
    def target(self) -> str:
        return self.component

    def describe(self) -> str:
        return f"{self.component} without the schema rag"

    def prepare(self, stack: Stack) -> Saved:
        return {}

    def inject(self, stack: Stack, saved: Saved) -> None:
        database.execute(stack, "ALTER SCHEMA rag RENAME TO rag_away")

    def verify(self, stack: Stack, saved: Saved) -> None:
        if database.execute(stack, _THERE, "rag"):
            raise FaultNotInForceError("there is a schema rag")

    def heal(self, stack: Stack, saved: Saved) -> None:
        if database.execute(stack, _THERE, "rag_away"):
            database.execute(stack, "ALTER SCHEMA rag_away RENAME TO rag")
