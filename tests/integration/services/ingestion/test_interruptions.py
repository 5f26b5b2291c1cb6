import asyncio
from itertools import count

import pytest

from services.ingestion.lease import Lease
from tests.integration.services.ingestion.conftest import Bench, Slow, never_released, sections
from tests.servers import eventually, hangs


async def interrupted(bench: Bench, step: int) -> bool:
    """End the workers at that step of a job, and have others go on; whether the job came to that step."""
    bench.step.taken.clear()
    bench.step.stop_at = step
    job = await bench.create()
    async with bench.workers(poll_s=60):  # an idle look for jobs would be a step as well
        ended = asyncio.create_task(bench.ended(job))
        stopped = asyncio.create_task(bench.step.stopped.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        came_to_it = stopped.done()
        for task in (ended, stopped):
            task.cancel()
    bench.step.stop_at = None
    bench.step.stopped.clear()
    async with bench.workers():
        shown = await bench.ended(job)
    assert (shown["state"], shown["counts"]["total"]) == ("done", 3)
    assert bench.became(job) == {"changed.md": "indexed", "new.md": "indexed", "gone.md": "deleted"}
    return came_to_it


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
async def test_a_job_goes_on_wherever_it_was_interrupted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    if killed:
        monkeypatch.setattr(Lease, "release", never_released)
    bench.collection()
    bench.write("changed.md", sections("Old", "Other"))
    bench.write("gone.md", sections("Gone"))
    await bench.done()
    bench.sql.execute("CREATE TEMPORARY TABLE before AS SELECT * FROM rag.documents")
    before = dict(bench.vectors.points["docs"])
    bench.write("changed.md", sections("New", "Newer"))
    bench.write("new.md", sections("Fresh"))
    (bench.root / "docs" / "gone.md").unlink()

    def first_words(path: str) -> list[str]:
        return [text.split(" ")[0] for text in bench.vectors.texts(path)]

    def searchable() -> None:
        found = {*first_words("changed.md")}
        assert found >= {"Old", "Other"} or found >= {"New", "Newer"}, "neither version can be found"

    bench.vectors.watch = searchable
    for step in count(2 if killed else 1, 2):
        bench.sql.execute("TRUNCATE rag.documents; INSERT INTO rag.documents SELECT * FROM before")
        bench.vectors.points["docs"] = dict(before)
        came_to_it = await interrupted(bench, step)
        found = {path: first_words(path) for path in ("changed.md", "gone.md", "new.md")}
        assert found == {"changed.md": ["New", "Newer"], "gone.md": [], "new.md": ["Fresh"]}
        assert {path: row["status"] for path, row in bench.documents().items()} == {
            "changed.md": "indexed", "new.md": "indexed",
        }  # fmt: skip
        if not came_to_it:
            break
    assert step > 30


async def test_a_job_of_a_dead_worker_is_taken_up_when_its_lease_has_run_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lease, "release", never_released)
    bench.collection()
    bench.write("one.md", sections("First"))
    bench.model.fault = lambda _: hangs
    job = await bench.create()
    async with bench.workers("dead:1", lease_s=0.5):
        await eventually(lambda: "before embed" in bench.step.taken)
    bench.model.fault = lambda _: None
    async with bench.workers("other:1"):
        assert (await bench.ended(job))["state"] == "done"


async def test_a_worker_that_lost_its_lease_writes_nothing_more(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    slow = Slow()
    bench.model.fault = lambda _: slow
    job = await bench.create()
    async with bench.workers("first:1", poll_s=60) as first:
        await slow.asked.wait()
        bench.sql.execute("UPDATE rag.ingestion_jobs SET lease_until = 'epoch'")
        bench.model.fault = lambda _: None
        async with bench.workers("second:1"):
            ended = await bench.ended(job)
        upserts = bench.vectors.upserts
        slow.proceed.set()
        next_job = await bench.create()
        first.wake()
        await bench.ended(next_job)  # by the first, which has left the other job
    assert bench.vectors.upserts == upserts
    assert await bench.jobs.get(job) == ended


async def test_a_lease_is_renewed_while_a_document_takes_long(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    bench.model.fault = lambda _: hangs
    await bench.create()
    async with bench.workers(lease_s=0.3):
        await eventually(lambda: "before embed" in bench.step.taken)
        first = bench.sql.execute("SELECT lease_until FROM rag.ingestion_jobs").fetchone()
        await eventually(lambda: bench.sql.execute("SELECT lease_until FROM rag.ingestion_jobs").fetchone() != first)
        assert bench.sql.execute("SELECT lease_until > now() FROM rag.ingestion_jobs").fetchone() == (True,)
    assert bench.sql.execute("SELECT lease_until < now() FROM rag.ingestion_jobs").fetchone() == (True,)


async def test_a_collection_deleted_meanwhile_does_not_come_back(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    slow = Slow()
    bench.model.fault = lambda _: slow
    job = await bench.create()
    async with bench.workers():
        await slow.asked.wait()
        bench.sql.execute("UPDATE rag.ingestion_jobs SET state = 'failed', reason = 'the collection was deleted'")
        bench.sql.execute("DELETE FROM rag.collections")
        bench.vectors.points.pop("docs", None)
        slow.proceed.set()
        bench.model.fault = lambda _: None
        bench.collection("other")
        bench.write("one.md", sections("First"), "other")
        await bench.ended(await bench.create("other"))  # the worker is free again
    assert "docs" not in bench.vectors.points
    assert (await bench.jobs.get(job))["reason"] == "the collection was deleted"
    assert bench.documents().keys() == {"one.md"}


async def test_vectors_deleted_meanwhile_fail_the_job(bench: Bench) -> None:
    bench.collection()
    bench.write("long.md", sections(*map(str, range(70))))

    def delete_after_the_first() -> None:
        if bench.vectors.upserts == 1:
            bench.vectors.points.pop("docs", None)

    bench.vectors.watch = delete_after_the_first
    job = await bench.done()
    assert (job["state"], job["reason"]) == ("failed", "the collection's vectors were deleted meanwhile")


async def test_one_collection_has_one_job_at_a_time_and_others_go_on_beside_it(bench: Bench) -> None:
    for name in ("docs", "other"):
        bench.collection(name)
        bench.write("one.md", sections("First" if name == "docs" else "Second"), name)
    bench.model.fault = lambda texts: hangs if texts[0].startswith("First") else None
    first, queued, beside = [await bench.create(name) for name in ("docs", "docs", "other")]
    async with bench.workers(count=2):
        assert (await bench.ended(beside))["state"] == "done"
        states = [(await bench.jobs.get(job))["state"] for job in (first, queued)]
    assert states == ["running", "queued"]
