"""The ingestion service, as the collections service calls it."""

from collections.abc import Sequence
from typing import Any

from services.common.service import Service


class Ingestion:
    """What the collections service asks of ingestion."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def start(
        self, collection: str, paths: Sequence[str] | None = None, *, force: bool = False
    ) -> dict[str, Any]:
        """Record a job for the named documents, or for the whole collection, and return it.

        Raises NotFoundError or ConflictError for an unknown or disabled collection, ServiceUnavailableError.
        """
        wanted = {"collection": collection, "force": force} | ({} if paths is None else {"paths": list(paths)})
        job: dict[str, Any] = await self._service.ask("POST", "/internal/jobs", wanted)
        return job
