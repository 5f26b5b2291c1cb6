"""A collection whose documents an experiment writes and changes, in the suite's own stack."""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from chaos.record import Request
from infra import own_stack

if TYPE_CHECKING:
    from chaos.experiment import Experiment

JOB_S = 30.0  # for a job of one small document; it takes two seconds
POLL_S = 0.1


class InboxError(RuntimeError):
    """A document could not be ingested; the message says why."""


class Inbox:
    """The folder of a collection; empty before and after."""

    collection = own_stack.INBOX

    def __init__(self, experiment: "Experiment") -> None:
        self._experiment = experiment
        self._folder = own_stack.documents(experiment.stack.name) / self.collection
        self._text = ""

    async def __aenter__(self) -> Self:
        if not self._folder.is_dir():
            raise InboxError(f"{self._folder} is not there: this experiment needs the suite's own stack")
        await self._clear()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._clear()

    def put(self, name: str, text: str) -> None:
        """Write the document, and leave it to be found."""
        (self._folder / name).write_text(text)
        self._text = text

    async def ingest_again(self) -> None:
        """`ingest`, started anew while the service is away."""
        while True:
            try:
                return await self.ingest()
            except (InboxError, OSError):
                await asyncio.sleep(POLL_S)

    async def write(self, name: str, text: str) -> None:
        """Write the document and wait until a job that began afterwards is done; raises InboxError."""
        self.put(name, text)
        await self.ingest()

    def is_current(self, request: Request) -> bool:
        """Whether a search's first result is of the text that was written last."""
        begins: str = request.about.get("begins", "")
        return bool(begins) and begins in self._text

    async def ingest(self) -> None:
        """Run a job over the collection to its end; raises InboxError."""
        job = await self._call("POST", "/api/v1/ingestion/jobs", {"collection": self.collection})
        for _ in range(int(JOB_S / POLL_S)):
            state = await self._call("GET", f"/api/v1/ingestion/jobs/{job['id']}")
            if state["state"] == "done":
                return
            if state["state"] == "failed":
                raise InboxError(f"the job failed: {state['reason']}")
            await asyncio.sleep(POLL_S)
        raise InboxError(f"the job is {state['state']} after {JOB_S:g} s")

    async def _clear(self) -> None:
        found: list[Path] = [path for path in self._folder.iterdir() if path.is_file()]
        for path in found:
            path.unlink()
        await self.ingest()

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        e = self._experiment
        headers = {"Authorization": f"Bearer {e.stack.token(e.suite.consumer)}"}
        async with e.session.request(method, e.stack.gateway + path, json=body, headers=headers) as answer:
            if answer.status >= 300:
                raise InboxError(f"{method} {path}: {answer.status} {(await answer.text())[:200]}")
            return await answer.json()
