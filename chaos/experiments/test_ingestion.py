"""Ingestion: killed at every stage, and its dependencies away while it works; nothing is lost and nothing is double."""

import asyncio
import random

from chaos.database import rows
from chaos.experiment import Experiment, experiment
from chaos.faults import Down, Kill
from chaos.inbox import Inbox, InboxError

DOCUMENTS = 24
JOB_S = 60.0  # for the job of all documents, its worker killed meanwhile: a lease of 10 s has to run out for each kill


def text(number: int) -> str:
    """A document of a few passages."""
    return f"# Buoy {number}\n\n" + "\n\n".join(f"Buoy {number} says {word} to the ships." for word in ("red", "green"))


async def complete(e: Experiment, inbox: Inbox, wanted: int) -> bool:
    """Whether every document is recorded as indexed and has its passages, each once, and nothing else is there."""
    found = await rows(
        e.stack,
        "SELECT count(*) FILTER (WHERE status = 'indexed'), count(*) FROM rag.documents WHERE collection = %s",
        inbox.collection,
    )
    open_jobs = await rows(
        e.stack,
        "SELECT count(*) FROM rag.ingestion_jobs WHERE collection = %s AND state NOT IN ('done', 'failed')",
        inbox.collection,
    )
    return (found[0], open_jobs[0][0]) == ((wanted, wanted), 0)


async def passages(e: Experiment, inbox: Inbox) -> list[str]:
    """The passages that the vector store holds, by document and number."""
    url = f"{e.stack.url('qdrant-0')}/collections/{inbox.collection}/points/scroll"
    async with e.session.post(url, json={"limit": 10_000, "with_payload": ["path", "chunk"]}) as answer:
        points = (await answer.json())["result"]["points"]
    return sorted(f"{point['payload']['path']}#{point['payload']['chunk']}" for point in points)


@experiment("no-downtime")
async def test_ingestion_is_killed_at_every_stage(e: Experiment) -> None:
    """The ingestion service is killed four times while it works on a job: every document is there in the end, once."""
    chance = random.Random(e.suite.run.seed)  # noqa: S311 - to be repeated, not to be unpredictable
    async with Inbox(e) as inbox:
        for number in range(DOCUMENTS):
            inbox.put(f"buoy-{number}.md", text(number))
        job = asyncio.create_task(inbox.ingest_again())
        kills = 0
        for _ in range(4):
            await asyncio.sleep(chance.uniform(0.1, 0.7))
            async with e.broken(Kill("ingestion")):
                kills += 1
            await e.until(lambda: alive(e), 10)
        job.cancel()
        done = await e.until(lambda: complete(e, inbox, DOCUMENTS), JOB_S)
        held = await passages(e, inbox)
    documents = {name.partition("#")[0] for name in held}
    e.expect("killed", kills == 4, f"killed {kills} times")
    e.expect("nothing-lost", done is not None and len(documents) == DOCUMENTS, f"{len(documents)} documents held")
    e.expect("nothing-double", len(held) == len(set(held)), f"{len(held)} passages, {len(set(held))} of them different")


async def alive(e: Experiment) -> bool:
    """Whether ingestion serves."""
    try:
        async with e.session.get(e.stack.url("ingestion") + "/health") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@experiment("qdrant-ha", "no-downtime")
async def test_the_vector_cluster_is_away_during_a_job(e: Experiment) -> None:
    """No vector node can be reached while a job runs: it waits, goes on when they are back, and loses nothing."""
    edges = [f"ingestion->qdrant-{number}" for number in range(3)]
    async with Inbox(e) as inbox:
        for number in range(6):
            inbox.put(f"buoy-{number}.md", text(number))
        async with e.broken(*(Down(edge) for edge in edges)):
            job = asyncio.create_task(inbox.ingest())
            await e.lasts(2)
            waited = not job.done()
        try:
            await job
            failed = ""
        except InboxError as error:
            failed = str(error)
        done = await e.until(lambda: complete(e, inbox, 6), 5)
        held = await passages(e, inbox)
    e.expect("waits", waited, "the job was still under way when the nodes were back")
    e.expect("goes-on", not failed and done is not None, failed or "the job is done")
    e.expect("nothing-lost", len({name.partition("#")[0] for name in held}) == 6, f"{held}")
