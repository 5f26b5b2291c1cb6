from typing import Any

import pytest

from tests.integration.services.ingestion.conftest import Bench, sections


async def test_a_job_makes_points_that_tell_where_they_come_from(bench: Bench) -> None:
    bench.collection()
    bench.write("guide/one.md", sections("First", "Second"))
    job = await bench.done()
    assert (job["state"], job["reason"], job["failures"]) == ("done", None, [])
    assert job["counts"] == {
        "total": 1, "done": 1, "indexed": 1, "unchanged": 0, "failed": 0, "deleted": 0, "chunks": 2,
    }  # fmt: skip
    first, second = sorted(bench.vectors.points["docs"].values(), key=lambda payload: payload["chunk"])
    assert first["text"].startswith("First is told here.")
    assert {key: first[key] for key in ("path", "title", "chunk", "section", "page", "format")} == {
        "path": "guide/one.md", "title": "Title", "chunk": 0, "section": "First", "page": None, "format": "markdown",
    }  # fmt: skip
    assert (second["chunk"], second["document_id"], second["version"]) == (1, first["document_id"], first["version"])
    assert bench.model.texts[0].startswith("First\nFirst is told here.")
    row = bench.documents()["guide/one.md"]
    assert (row["status"], row["title"], row["format"], row["chunks"]) == ("indexed", "Title", "markdown", 2)


async def test_what_has_not_changed_is_left_alone_unless_forced(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    await bench.done()
    points, embedded = dict(bench.vectors.points["docs"]), len(bench.model.texts)
    assert (await bench.done())["counts"]["unchanged"] == 1
    assert len(bench.model.texts) == embedded
    assert (await bench.done(force=True))["counts"]["indexed"] == 1
    assert len(bench.model.texts) == 2 * embedded
    assert bench.vectors.points["docs"] == points


async def test_a_collection_without_documents_can_be_searched(bench: Bench) -> None:
    bench.collection()
    job = await bench.done()
    assert (job["state"], job["counts"]["total"]) == ("done", 0)
    assert bench.vectors.points == {"docs": {}}


async def test_another_chunk_size_cuts_the_documents_anew(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    await bench.done()
    before = bench.vectors.ids("one.md")
    bench.sql.execute("UPDATE rag.collections SET chunk_tokens = 128")
    assert (await bench.done())["counts"]["indexed"] == 1
    assert not before & bench.vectors.ids("one.md")
    assert len(bench.vectors.ids("one.md")) == 1


async def test_a_whole_job_follows_changes_and_deletions(bench: Bench) -> None:
    bench.collection()
    for name in ("changed.md", "gone.md", "same.md"):
        bench.write(name, sections(name, "Second"))
    await bench.done()
    bench.write("changed.md", sections("Another"))
    bench.write("new.md", sections("New"))
    (bench.root / "docs" / "gone.md").unlink()
    counts = (await bench.done())["counts"]
    assert {name: counts[name] for name in ("total", "indexed", "unchanged", "deleted")} == {
        "total": 4, "indexed": 2, "unchanged": 1, "deleted": 1,
    }  # fmt: skip
    assert bench.vectors.ids("gone.md") == set()
    assert [text[:7] for text in bench.vectors.texts("changed.md")] == ["Another"]
    assert set(bench.documents()) == {"changed.md", "new.md", "same.md"}


async def test_a_job_for_named_files_touches_no_others(bench: Bench) -> None:
    bench.collection()
    for name in ("named.md", "gone.md", "other.md"):
        bench.write(name, sections(name))
    await bench.done()
    for name in ("gone.md", "other.md"):
        (bench.root / "docs" / name).unlink()
    bench.write("named.md", sections("Changed"))
    counts = (await bench.done("docs", "named.md", "gone.md", "never-was.md"))["counts"]
    assert (counts["total"], counts["indexed"], counts["deleted"]) == (3, 1, 2)
    assert bench.vectors.ids("other.md")
    assert set(bench.documents()) == {"named.md", "other.md"}


@pytest.mark.parametrize("paths", [(), ("one.md",)])
async def test_a_missing_folder_is_no_deletion(bench: Bench, paths: tuple[str, ...]) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    await bench.done()
    (bench.root / "docs").rename(bench.root / "unmounted")
    job = await bench.done("docs", *paths)
    assert job["state"] == "failed"
    assert "is its disk mounted?" in job["reason"]
    assert bench.vectors.ids("one.md")
    assert "one.md" in bench.documents()


async def test_a_broken_document_fails_alone_and_keeps_its_older_version(bench: Bench) -> None:
    bench.collection()
    bench.write("bad.txt", "It was fine.")
    bench.write("good.txt", "It is fine.")
    await bench.done()
    bench.write("bad.txt", b"It was \xff fine.")
    bench.write("good.txt", "It is better.")
    job = await bench.done()
    assert job["state"] == "done"
    assert job["failures"] == [{"path": "bad.txt", "reason": "is not UTF-8: byte 7 is 0xff"}]
    assert bench.vectors.texts("bad.txt") == ["It was fine."]
    assert bench.vectors.texts("good.txt") == ["It is better."]
    row = bench.documents()["bad.txt"]
    assert (row["status"], row["reason"], row["chunks"]) == ("failed", "is not UTF-8: byte 7 is 0xff", 1)
    bench.write("bad.txt", "It was fine.")
    assert (await bench.done())["counts"]["indexed"] == 1
    assert (bench.documents()["bad.txt"]["status"], bench.documents()["bad.txt"]["reason"]) == ("indexed", None)


async def test_a_document_that_became_empty_loses_its_points(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    await bench.done()
    bench.write("one.md", "")
    assert (await bench.done())["counts"]["indexed"] == 1
    assert bench.vectors.ids("one.md") == set()
    assert bench.documents()["one.md"]["chunks"] == 0


async def test_lost_vectors_are_made_again_although_no_file_changed(bench: Bench) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    await bench.done()
    bench.vectors.points.clear()
    assert (await bench.done())["counts"]["indexed"] == 1
    assert bench.vectors.ids("one.md")


async def test_more_chunks_than_a_batch_are_written_in_several(bench: Bench) -> None:
    bench.collection()
    bench.write("long.md", sections(*map(str, range(70))))
    assert (await bench.done())["counts"]["chunks"] == 70
    assert len(bench.vectors.ids("long.md")) == 70
    assert bench.vectors.upserts == 3


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"enabled": False}, "collection 'docs' is disabled"),
        ({"directory": "../../etc"}, "directory: '../../etc' leads out of the data root"),
    ],
)
async def test_a_collection_that_cannot_be_worked_on_fails_its_job(
    bench: Bench, fields: dict[str, Any], reason: str
) -> None:
    bench.collection(**fields)
    job = await bench.done()
    assert (job["state"], job["reason"]) == ("failed", reason)


async def test_a_job_of_an_unknown_collection_fails(bench: Bench) -> None:
    bench.collection()
    assert (await bench.done("other"))["reason"] == "collection 'other' does not exist"


async def test_jobs_that_ended_long_ago_are_forgotten(bench: Bench) -> None:
    bench.collection()
    old, young = (await bench.done())["id"], (await bench.done())["id"]
    bench.sql.execute("UPDATE rag.ingestion_jobs SET finished_at = now() - interval '31 days' WHERE id = %s", (old,))
    async with bench.workers():
        await bench.ended(await bench.create())
    found = {row[0] for row in bench.sql.execute("SELECT id FROM rag.ingestion_jobs")}
    assert young in found
    assert old not in found
