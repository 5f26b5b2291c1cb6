"""The ingestion service's HTTP interface."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from services.common.collections import Collections
from services.common.errors import ConflictError, ErrorBody, NotFoundError
from services.common.events import EventStream
from services.common.responses import Json
from services.ingestion.events import Progress
from services.ingestion.jobs import Jobs
from services.ingestion.models import Job, JobBody, JobQuery
from services.ingestion.models import Jobs as JobsAnswer
from services.ingestion.worker import Workers

PREFIX = "/api/v1/ingestion/jobs"
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody}}


def jobs_router(prefix: str, jobs: Jobs, collections: Collections, progress: Progress, workers: Workers) -> APIRouter:
    """Starting, listing and following jobs below `prefix`."""
    router = APIRouter(prefix=prefix, tags=["ingestion"], responses=_UNKNOWN)

    @router.post("", status_code=202, responses={202: {"model": Job}, 409: {"model": ErrorBody}})
    async def start(wanted: JobBody) -> Response:
        """Record a job; it is worked on afterwards."""
        await jobs.ping()  # while the database is away, the file answers for its collections, and may not know them
        collection = await collections.get(wanted.collection)
        if not collection.enabled:
            raise ConflictError(f"collection {collection.name!r} is disabled")
        job = await jobs.create(wanted)
        workers.wake()
        return Json(job, 202, {"Location": f"{PREFIX}/{job['id']}"})

    @router.get("", responses={200: {"model": JobsAnswer}})
    async def newest(wanted: Annotated[JobQuery, Query()]) -> Response:
        """Jobs, the newest first."""
        return Json({"jobs": await jobs.newest(wanted)})

    @router.get("/{job}", responses={200: {"model": Job}})
    async def show(job: str) -> Response:
        """The job with its counts and its first failures."""
        return Json(await jobs.get(_id(job)))

    @router.get("/{job}/events", responses={200: {"content": {EventStream.media_type: {}}}})
    async def events(job: str, last_event_id: Annotated[str, Header()] = "") -> Response:
        """An event for each document that has been dealt with, from the first or after `Last-Event-ID`, and the end."""
        known = _id(job)
        await jobs.get(known)  # what is wrong with it is answered with a status
        after = int(last_event_id) if last_event_id.isdecimal() else 0
        return EventStream(progress.events(known, after))

    return router


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFoundError(f"there is no job {text[:100]!r}") from None
