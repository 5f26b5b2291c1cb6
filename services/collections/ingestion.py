"""The ingestion service, as the collections service calls it."""

from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson

from services.common.auth import HEADER as SERVICE_TOKEN
from services.common.errors import ConflictError, NotFoundError, UnavailableError
from services.common.http import Http, timeout

TIMEOUT_S = 3.0  # a job is only recorded, not worked on

_REFUSALS = {404: NotFoundError, 409: ConflictError}


class IngestionUnavailableError(UnavailableError):
    """The ingestion service, or what it needs, does not answer."""


class Ingestion:
    """Calls ingestion with the service token."""

    def __init__(self, http: Http, url: str, token: str) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._token = token

    async def ping(self) -> None:
        """Raise unless the ingestion service serves."""
        await self._call("GET", "/health")

    async def start(
        self, collection: str, paths: Sequence[str] | None = None, *, force: bool = False
    ) -> dict[str, Any]:
        """Record a job for the named documents, or for the whole collection, and return it.

        Raises NotFoundError or ConflictError for an unknown or disabled collection, IngestionUnavailableError.
        """
        wanted = {"collection": collection, "force": force} | ({} if paths is None else {"paths": list(paths)})
        job: dict[str, Any] = await self._call("POST", "/internal/jobs", wanted)
        return job

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        headers = {SERVICE_TOKEN: self._token}
        try:
            async with self._http.session.request(
                method, self._url + path, json=body, headers=headers, timeout=timeout(TIMEOUT_S)
            ) as response:
                answer = orjson.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
            raise IngestionUnavailableError(f"ingestion does not answer: {type(error).__name__}") from error
        if response.status >= 400:
            said = answer.get("detail") or f"ingestion answered {response.status}"
            raise _REFUSALS.get(response.status, IngestionUnavailableError)(said)
        return answer
