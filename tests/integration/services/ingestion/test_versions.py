"""What a job does to its collection's version, on which the freshness of cached answers rests."""

import time
from datetime import timedelta

import pytest

from services.common import versions
from tests.integration.services.ingestion.conftest import Bench, sections
from tests.servers import says

LEASE_S = 0.2


def version(bench: Bench, collection: str = "docs") -> int:
    row = bench.sql.execute(
        "SELECT version FROM rag.collection_versions WHERE collection = %s", (collection,)
    ).fetchone()
    return row[0] if row else 0


async def test_what_changes_a_collection_makes_its_version_grow_and_what_does_not_does_not(bench: Bench) -> None:
    bench.collection()
    bench.collection("other")
    bench.write("a.md", sections("One"))
    await bench.done()
    first = version(bench)
    assert first > 0
    await bench.done()
    assert version(bench) == first
    bench.write("a.md", sections("Two"))
    await bench.done()
    assert version(bench) == first + 1
    (bench.root / "docs" / "a.md").unlink()
    await bench.done()
    assert (version(bench), version(bench, "other")) == (first + 2, 0)


async def test_the_points_are_written_before_the_version_grows(bench: Bench) -> None:
    seen = []
    bench.collection()
    bench.write("a.md", sections("One"))
    bench.vectors.watch = lambda: seen.append(version(bench))
    await bench.done()
    assert (set(seen), version(bench)) == ({0}, 1)


async def test_what_failed_may_have_been_written_in_part_and_counts_as_a_change(bench: Bench) -> None:
    bench.collection()
    bench.write("a.md", sections("One"))
    bench.vectors.fault = lambda what: says({}, 500) if what == "POST points/delete" else None
    shown = await bench.done()
    assert shown["counts"]["failed"] == 1
    assert version(bench) > 0


async def test_a_job_that_failed_as_a_whole_counts_as_a_change(bench: Bench) -> None:
    bench.collection("docs", enabled=False)
    assert (await bench.done())["state"] == "failed"
    assert version(bench) == 1


async def test_a_job_is_done_no_sooner_than_the_version_before_it_has_run_out_everywhere(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "LEASE_S", LEASE_S)
    bench.collection()
    bench.write("a.md", sections("One"))
    for _ in range(2):  # the second finds nothing to do: what it sees may have been written a moment ago
        job = await bench.create()
        async with bench.workers():
            started = time.monotonic()
            shown = await bench.ended(job)
        assert time.monotonic() - started >= LEASE_S
        recorded = bench.sql.execute("SELECT max(finished_at) FROM rag.job_documents WHERE job_id = %s", (job,))
        (at,) = recorded.fetchone() or (None,)
        assert shown["finished_at"] - at >= timedelta(seconds=LEASE_S * 0.9)
