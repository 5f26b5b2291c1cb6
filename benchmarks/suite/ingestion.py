"""How fast documents become searchable."""

import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.benchmark import Bench, benchmark
from benchmarks.figures import Figure
from infra import own_stack, workspace
from infra.commands.ask import Gateway
from infra.settings import PROJECT_ROOT

PATIENCE_S = 300.0
POLL_S = 0.1
JOBS = "/api/v1/ingestion/jobs"


@benchmark(stack="plain")
def ingestion(bench: Bench) -> Iterator[Figure]:
    """Documents and chunks a second of a job, from its start until the last chunk can be found."""
    gateway = Gateway(workspace.outputs(bench.stack.name))
    folder = own_stack.documents(bench.stack.name) / own_stack.INBOX
    number, repeats = (10, 2) if bench.effort.quick else (40, 5)
    jobs = [_ingest(gateway, folder, number) for _ in range(repeats)]
    yield Figure("documents", "a second", tuple(job["counts"]["indexed"] / _seconds(job) for job in jobs), "higher")
    yield Figure("chunks", "a second", tuple(job["counts"]["chunks"] / _seconds(job) for job in jobs), "higher")


def _ingest(gateway: Gateway, folder: Path, number: int) -> dict[str, Any]:
    """A job over so many new documents, at the end of which they are taken away again."""
    batch = folder / f"batch-{uuid4().hex[:6]}"
    pages = cycle(sorted((PROJECT_ROOT / "docs").glob("*.md")))
    made = folder.parent / f".{batch.name}"
    made.mkdir()
    for index, page in enumerate(islice(pages, number)):
        (made / f"{index:03}-{page.name}").write_text(f"# {batch.name} {index}\n\n{page.read_text()}")
    made.rename(batch)  # at once, so that one job gets them all
    try:
        job = _done(gateway, gateway.call("POST", JOBS, {"collection": own_stack.INBOX}))
    finally:
        shutil.rmtree(batch)
        _done(gateway, gateway.call("POST", JOBS, {"collection": own_stack.INBOX}))
    if job["counts"]["indexed"] != number:
        raise RuntimeError(f"of {number} documents the job has indexed {job['counts']}")
    return job


def _done(gateway: Gateway, job: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    look = partial(gateway.call, "GET", f"{JOBS}/{job['id']}")
    while (job := look())["state"] not in {"done", "failed"}:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the job is {job['state']} after {PATIENCE_S:g} s")
        time.sleep(POLL_S)
    return job


def _seconds(job: dict[str, Any]) -> float:
    started, finished = (datetime.fromisoformat(job[when]) for when in ("started_at", "finished_at"))
    return (finished - started).total_seconds()
