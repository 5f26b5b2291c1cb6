"""The workers: claim jobs and do them, until the service stops."""

import asyncio
import logging
from contextlib import suppress
from time import monotonic
from typing import Self

from services.common.database import DatabaseUnavailableError
from services.common.middleware.request_id import request_id
from services.common.tasks import end
from services.ingestion.lease import Lease, LeaseLostError, Leases
from services.ingestion.metrics import JOBS
from services.ingestion.run import Tools, work

PRUNE_EVERY_S = 3600.0

log = logging.getLogger(__name__)


class Workers:
    """So many jobs at a time, for the time of an `async with`; at its end jobs are left for whoever comes next."""

    def __init__(self, leases: Leases, tools: Tools, *, count: int, poll_s: float) -> None:
        self._leases = leases
        self._tools = tools
        self._count = count
        self._poll_s = poll_s
        self._wake = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._earlier_released = False
        self._pruned_at = float("-inf")

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._keep_working()) for _ in range(self._count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        await end(*self._tasks)
        await self._leases.leave()

    def wake(self) -> None:
        """A job was created: look at once."""
        self._wake.set()

    async def _keep_working(self) -> None:
        while True:
            if lease := await self._next():
                await self._do(lease)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._wake.wait()
            self._wake.clear()

    async def _next(self) -> Lease | None:
        try:
            async with self._claiming:
                if not self._earlier_released:
                    await self._leases.release_earlier()
                    self._earlier_released = True
                if monotonic() - self._pruned_at > PRUNE_EVERY_S:
                    await self._leases.prune()
                    self._pruned_at = monotonic()
                return await self._leases.claim()
        except DatabaseUnavailableError:
            return None
        except Exception:
            log.exception("no job could be claimed")  # and the next attempt may; a worker never ends by itself
            return None

    async def _do(self, lease: Lease) -> None:
        """Work on the job while its lease holds."""
        job = lease.job
        token = request_id.set(job.request_id)
        log.info("job started", extra={"job": str(job.id), "collection": job.collection, "force": job.force})
        doing = asyncio.create_task(self._work(lease))
        keeping = asyncio.create_task(lease.keep())
        try:
            await asyncio.wait({doing, keeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(doing, keeping)
            await lease.release()
            request_id.reset(token)

    async def _work(self, lease: Lease) -> None:
        try:
            state, reason = await work(lease, self._tools)
        except LeaseLostError:
            return
        except Exception as error:
            log.exception("job broke off", extra={"job": str(lease.job.id)})
            state, reason = "failed", f"a defect of the service: {type(error).__name__}"
        with suppress(LeaseLostError):
            await self._tools.patience.repeat(lambda: lease.finish(state, reason))
            JOBS.labels(state).inc()
            ended = {"job": str(lease.job.id), "collection": lease.job.collection, "state": state, "reason": reason}
            log.log(logging.INFO if state == "done" else logging.WARNING, "job ended", extra=ended)
