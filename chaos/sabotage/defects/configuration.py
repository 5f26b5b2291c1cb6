"""Services that rely on one source of their configuration."""

from typing import Any

from chaos.sabotage.defects import change
from services.common.collections import Collections
from services.common.errors import UnavailableError


def no_file() -> None:
    """Where the database knows no collections, there are none."""

    async def rows(self: Collections) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await own(self)
        if not found:
            raise UnavailableError("the database has no collections")
        return found

    own = Collections._rows
    change(Collections, "_rows", lambda _: rows)
