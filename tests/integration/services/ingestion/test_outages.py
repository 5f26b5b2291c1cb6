import asyncio
from collections.abc import Callable

import pytest

from services.common.database import DatabaseUnavailableError
from tests.integration.services.ingestion.conftest import Bench, Slow, sections
from tests.servers import Answer, hangs, says

AWAY = says({"error": "away"}, 503)
BROKEN = says({"status": {"error": "Service internal error"}}, 500)
BACK = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'elsewhere') THEN ALTER SCHEMA elsewhere RENAME TO rag; END IF;
END $$
"""


def times(count: int, fault: Answer) -> Callable[[list[str]], Answer | None]:
    """The fault for so many calls."""
    left = iter(range(count))
    return lambda _: fault if next(left, None) is not None else None


async def test_a_short_outage_of_the_model_server_is_sat_out(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    bench.model.fault = times(2, AWAY)
    assert (await bench.done())["counts"]["indexed"] == 1


async def test_a_longer_outage_fails_the_document_and_the_next_job_tries_it_again(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    await bench.done()
    bench.write("one.md", sections("Second"))
    bench.model.fault = times(3, AWAY)
    job = await bench.done()
    assert job["state"] == "done"
    assert job["failures"][0]["reason"].startswith("Ollama answered 503")
    assert [text[:5] for text in bench.vectors.texts("one.md")] == ["First"]
    assert (await bench.done())["counts"]["indexed"] == 1
    assert [text[:6] for text in bench.vectors.texts("one.md")] == ["Second"]


async def test_a_text_that_the_model_cannot_embed_costs_only_its_document(bench: Bench) -> None:
    bench.collection()
    for name in ("Fine", "Poison", "Good"):
        bench.write(f"{name}.md", sections(name))
    bench.model.fault = lambda texts: AWAY if any("Poison" in text for text in texts) else None
    job = await bench.done()
    assert (job["state"], job["counts"]["indexed"]) == ("done", 2)
    assert [failure["path"] for failure in job["failures"]] == ["Poison.md"]


async def test_a_job_gives_up_when_document_after_document_fails(bench: Bench) -> None:
    bench.collection()
    for name in range(9):
        bench.write(f"{name}.md", sections(str(name)))
    bench.model.fault = lambda _: AWAY
    job = await bench.done()
    assert job["state"] == "failed"
    assert job["reason"].startswith("gave up after")
    assert job["counts"]["failed"] == job["counts"]["done"] <= 4
    bench.model.fault = lambda _: None
    assert (await bench.done())["counts"]["indexed"] == 9


async def test_a_vector_cluster_that_stays_away_fails_the_job_before_anything_is_concluded(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    bench.vectors.fault = lambda _: BROKEN
    job = await bench.done()
    assert job["state"] == "failed"
    assert job["reason"].startswith("no vector node answered")
    assert bench.documents() == {}


async def test_a_deletion_that_cannot_be_done_is_tried_again_by_the_next_job(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    await bench.done()
    (bench.root / "docs" / "one.md").unlink()
    bench.vectors.fault = lambda what: BROKEN if what == "POST points/delete" else None
    job = await bench.done("docs", "one.md")
    assert job["failures"][0]["path"] == "one.md"
    assert bench.documents()["one.md"]["status"] == "failed"
    bench.vectors.fault = lambda _: None
    assert (await bench.done())["counts"]["deleted"] == 1
    assert bench.vectors.ids("one.md") == set()


async def test_vectors_of_another_length_fail_the_job_with_the_reason(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    refusal = says({"status": {"error": "Wrong input: Vector dimension error: expected dim: 3, got 4"}}, 400)
    bench.vectors.fault = lambda what: refusal if what == "PUT points" else None
    job = await bench.done()
    assert job["state"] == "failed"
    assert "Vector dimension error" in job["reason"]


async def test_a_vector_cluster_that_hangs_does_not_block_the_job_for_ever(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingestion.store.CREATE_S", 0.05)
    bench.collection()
    bench.write("one.md", sections("First"))
    bench.vectors.fault = lambda what: hangs if what == "PUT " else None
    job = await bench.done()
    assert job["failures"][0]["reason"] == "creating the collection of vectors takes too long"


async def test_a_restart_of_the_database_is_sat_out(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    slow = Slow()
    bench.model.fault = lambda _: slow
    job = await bench.create()
    async with bench.workers():
        await slow.asked.wait()
        await asyncio.to_thread(bench.server.stop)
        slow.proceed.set()
        bench.server.start()  # not in a thread: the server dies with the thread that started it
        assert (await bench.ended(job))["state"] == "done"
    assert bench.vectors.ids("one.md")


async def test_a_schema_that_is_missing_is_waited_for(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    job = await bench.create()
    bench.sql.execute("ALTER SCHEMA rag RENAME TO elsewhere")
    try:
        with pytest.raises(DatabaseUnavailableError, match="its migrations have not run"):
            await bench.jobs.get(job)
        async with bench.workers():
            bench.sql.execute(BACK)
            assert (await bench.ended(job))["state"] == "done"
    finally:
        bench.sql.execute(BACK)


async def test_a_defect_fails_its_job_and_not_the_worker(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))

    def broken(*_: object) -> str:
        raise RuntimeError("never thought of")

    with monkeypatch.context() as patch:
        patch.setattr("services.ingestion.run.recipe", broken)
        assert (await bench.done())["reason"] == "a defect of the service: RuntimeError"
    with monkeypatch.context() as patch:
        patch.setattr("services.ingestion.lease._OPEN", "SELECT no_such_column FROM rag.documents")
        job = await bench.create()
        async with bench.workers():
            await asyncio.sleep(0)
            patch.undo()
            assert (await bench.ended(job))["state"] == "done"
