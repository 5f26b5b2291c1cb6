"""Two releases of the service beside each other: each does what it was asked."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from services.ingestion.worker import Workers
from tests.integration.services.ingestion.conftest import Bench, sections
from tests.servers import eventually, hangs

STABLE, CANDIDATE = "host:1", "host:11"  # one name begins with the other


def working(bench: Bench) -> dict[str, str]:
    """By collection, the process that works on its job."""
    rows = bench.sql.execute("SELECT collection, lease_owner FROM rag.ingestion_jobs WHERE state = 'running'")
    return {collection: owner.rpartition(":")[0] for collection, owner in rows.fetchall()}


@pytest.fixture(autouse=True)
def embedding_never_ends(bench: Bench) -> Iterator[None]:
    """So that whoever has a job keeps it."""
    bench.model.fault = lambda _: hangs
    yield
    bench.model.fault = lambda _: None


async def waiting(bench: Bench, name: str, process: str, *, lease_s: float = 60) -> None:
    """A job of a collection of its own, accepted by that process."""
    bench.collection(name)
    bench.write("one.md", sections("First"), name)
    await bench.create(name, jobs=bench.accepting(process, lease_s=lease_s))


def candidate(bench: Bench) -> AbstractAsyncContextManager[Workers]:
    return bench.workers(CANDIDATE, count=3, own=True)


async def test_each_works_on_the_jobs_that_it_has_accepted(bench: Bench) -> None:
    for process in (CANDIDATE, STABLE):  # the oldest one is taken first
        await waiting(bench, f"of-{process[5:]}", process)
    async with bench.workers(STABLE, count=3):
        await eventually(lambda: working(bench) == {"of-1": STABLE})
        async with candidate(bench):
            await eventually(lambda: working(bench) == {"of-1": STABLE, "of-11": CANDIDATE})


async def test_a_job_whose_process_is_silent_is_the_stable_ones(bench: Bench) -> None:
    await waiting(bench, "early", CANDIDATE)
    await waiting(bench, "late", CANDIDATE, lease_s=0)
    async with bench.workers(STABLE, count=3):
        await eventually(lambda: working(bench) == {"late": STABLE})


async def test_a_candidate_takes_nothing_of_others(bench: Bench) -> None:
    await waiting(bench, "late", STABLE, lease_s=0)
    bench.collection("nobodys")
    bench.sql.execute("INSERT INTO rag.ingestion_jobs (id, collection) VALUES (gen_random_uuid(), 'nobodys')")
    await waiting(bench, "own", CANDIDATE, lease_s=0)
    async with candidate(bench):
        await eventually(lambda: working(bench) == {"own": CANDIDATE})


async def test_a_process_that_ends_leaves_what_it_has_not_begun_to_others(bench: Bench) -> None:
    for name in ("begun", "waits"):
        await waiting(bench, name, CANDIDATE)
    async with bench.workers(CANDIDATE, count=1):
        await eventually(lambda: working(bench) == {"begun": CANDIDATE})
    async with bench.workers(STABLE, count=3):
        await eventually(lambda: working(bench) == {"begun": STABLE, "waits": STABLE})


async def test_a_process_that_was_restarted_goes_on_with_what_it_has_accepted(bench: Bench) -> None:
    await waiting(bench, "own", CANDIDATE)
    async with candidate(bench):
        await eventually(lambda: working(bench) == {"own": CANDIDATE})
    async with candidate(bench):
        await eventually(lambda: working(bench) == {"own": CANDIDATE})
