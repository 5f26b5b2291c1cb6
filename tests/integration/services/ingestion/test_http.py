import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.common.database import Database
from services.ingestion.events import Progress
from services.ingestion.jobs import Jobs
from services.ingestion.lease import Leases
from services.ingestion.main import build
from services.ingestion.settings import IngestionSettings
from tests.integration.services.ingestion.conftest import Bench, Slow, sections
from tests.postgres import PASSWORD
from tests.protections import protection
from tests.servers import Caller, client, eventually

JOBS = "/api/v1/ingestion/jobs"
TOKEN = "a-service-token"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@dataclass
class Service:
    """The service as `main` builds it."""

    app: FastAPI
    http: httpx.AsyncClient
    bench: Bench

    async def ended(self, job: dict[str, Any]) -> dict[str, Any]:
        await self.bench.ended(UUID(job["id"]))
        ended: dict[str, Any] = (await self.http.get(f"{JOBS}/{job['id']}")).json()
        return ended


def decoded(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream: their names and data."""
    events = []
    for block in stream.decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            events.append((fields["event"], orjson.loads(fields["data"])))
    return events


@pytest.fixture
async def service(bench: Bench) -> AsyncIterator[Service]:
    settings = IngestionSettings(
        inter_service_secret=SecretStr(TOKEN),
        database_url=bench.server.url,
        database_password=SecretStr(PASSWORD),
        qdrant_urls=(bench.urls[0],),
        ollama_url=bench.urls[1],
        data_root=bench.root,
        collections_file=bench.root / "none.json",
    )
    app = build(settings)
    async with client(app) as http:
        yield Service(app, http, bench)


async def test_a_job_is_accepted_done_and_shown(bench: Bench, service: Service) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    bench.write("bad.txt", b"\xff")
    answer = await service.http.post(JOBS, json={"collection": "docs"})
    job = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"{JOBS}/{job['id']}")
    assert (job["state"], job["collection"], job["counts"]["total"]) == ("queued", "docs", None)
    ended = await service.ended(job)
    assert (await service.http.get(answer.headers["location"])).json() == ended
    assert (ended["state"], ended["counts"]["indexed"], ended["counts"]["failed"]) == ("done", 1, 1)
    assert ended["failures"] == [{"path": "bad.txt", "reason": "is not UTF-8: byte 0 is 0xff"}]
    assert ended["created_at"] <= ended["started_at"] <= ended["finished_at"]


async def test_jobs_are_listed_newest_first_and_by_collection_and_state(bench: Bench, service: Service) -> None:
    bench.collection()
    bench.collection("other")
    for name in ("docs", "other", "docs"):
        await service.ended((await service.http.post(JOBS, json={"collection": name})).json())
    bench.sql.execute("UPDATE rag.ingestion_jobs SET state = 'failed' WHERE collection = 'other'")

    async def listed(query: str) -> list[str]:
        return [job["collection"] for job in (await service.http.get(f"{JOBS}?{query}")).json()["jobs"]]

    assert await listed("") == ["docs", "other", "docs"]
    assert await listed("collection=other") == await listed("state=failed") == ["other"]
    assert await listed("limit=1&collection=docs") == ["docs"]
    assert (await service.http.get(f"{JOBS}?state=odd")).status_code == 400


@pytest.mark.parametrize("path", [UNKNOWN, "no-id", f"{UNKNOWN}/events", "no-id/events"])
async def test_an_unknown_job_is_not_found(service: Service, path: str) -> None:
    answer = await service.http.get(f"{JOBS}/{path}")
    assert (answer.status_code, answer.json()["error"]) == (404, "Not Found")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"collection": "unknown"}, 404),
        ({"collection": "disabled"}, 409),
        ({"collection": "docs", "paths": []}, 400),
        ({"collection": "docs", "paths": ["../secret.md"]}, 400),
        ({"collection": "docs", "paths": ["/etc/passwd"]}, 400),
        ({"collection": "docs", "paths": ["a\0.md"]}, 400),
        ({"collection": "no/name"}, 400),
        ({}, 400),
    ],
)
async def test_what_cannot_be_done_is_refused_at_once(
    bench: Bench, service: Service, body: dict[str, Any], status: int
) -> None:
    bench.collection()
    bench.collection("disabled", enabled=False)
    answer = await service.http.post(JOBS, json=body)
    assert answer.status_code == status
    assert answer.json()["detail"]


async def test_the_same_file_under_another_spelling_is_the_same_document(bench: Bench, service: Service) -> None:
    bench.collection()
    bench.write("a/one.md", sections("First"))
    body = {"collection": "docs", "paths": ["./a//one.md", "a/b/../one.md"]}
    ended = await service.ended((await service.http.post(JOBS, json=body)).json())
    assert (ended["counts"]["total"], ended["counts"]["indexed"]) == (1, 1)
    assert bench.vectors.ids("a/one.md")


async def test_other_services_start_jobs_with_their_token(bench: Bench, service: Service) -> None:
    bench.collection()
    body = {"collection": "docs"}
    refused = await service.http.post("/internal/jobs", json=body)
    accepted = await service.http.post("/internal/jobs", json=body, headers={"X-Service-Token": TOKEN})
    assert (refused.status_code, accepted.status_code) == (403, 202)


async def test_the_older_path_starts_a_job_too(bench: Bench, service: Service) -> None:
    bench.collection()
    answer = await service.http.post("/ingest", json={"collection": "docs"})
    assert answer.status_code == 202
    assert "deprecation" in answer.headers


async def test_without_the_database_no_job_is_created_but_the_service_lives(bench: Bench, service: Service) -> None:
    await asyncio.to_thread(bench.server.stop)
    answer = await service.http.post(JOBS, json={"collection": "docs"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert (await service.http.get("/health")).status_code == 200
    ready = await service.http.get("/ready")
    assert ready.status_code == 503
    assert {name: found["ok"] for name, found in ready.json()["dependencies"].items()} == {
        "timescaledb": False, "ollama": True, "qdrant": True,
    }  # fmt: skip


async def test_the_stream_tells_of_each_document_and_ends_with_the_job(bench: Bench, service: Service) -> None:
    bench.collection()
    bench.write("a.md", sections("First", "Second"))
    bench.write("b.txt", b"\xff")
    job = (await service.http.post(JOBS, json={"collection": "docs"})).json()
    answer = await service.http.get(f"{JOBS}/{job['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = decoded(answer.content)
    documents = sorted((data for name, data in told if name == "document"), key=lambda data: data["path"])
    assert [(data["path"], data["status"], data["chunks"], data["total"]) for data in documents] == [
        ("a.md", "indexed", 2, 2),
        ("b.txt", "failed", 0, 2),
    ]
    assert {data["done"] for data in documents} == {1, 2}
    assert told[-1] == ("done", (await service.http.get(f"{JOBS}/{job['id']}")).json())
    number = answer.content.split(b"id: ")[1].split(b"\n")[0].decode()
    rest = await service.http.get(f"{JOBS}/{job['id']}/events", headers={"Last-Event-ID": number})
    assert [name for name, _ in decoded(rest.content)] == ["document", "done"]


async def test_two_clients_follow_a_job_and_one_that_hangs_up_ends_only_its_own_stream(
    bench: Bench, service: Service
) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    slow = Slow()
    bench.model.fault = lambda _: slow
    job = (await service.http.post(JOBS, json={"collection": "docs"})).json()
    leaves, stays = [Caller(service.app, "GET", f"{JOBS}/{job['id']}/events") for _ in range(2)]
    await eventually(lambda: leaves.status == stays.status == 200)
    leaves.hang_up()
    await asyncio.wait_for(leaves.done, 1)
    assert not stays.done.done()
    slow.proceed.set()
    await asyncio.wait_for(stays.done, 5)
    assert [name for name, _ in decoded(stays.body)] == ["document", "done"]


async def test_a_stream_with_nothing_to_say_is_kept_alive(bench: Bench) -> None:
    bench.collection()
    job = await bench.create()
    events = Progress(bench.jobs, poll_s=60, keep_alive_s=0.02).events(job, 0)
    await anext(events)
    assert await anext(events) == b": still here\n\n"
    await events.aclose()


async def test_a_stream_outlives_an_outage_of_the_database_and_the_job_itself(bench: Bench) -> None:
    bench.collection()
    job = await bench.create()
    async with Database(bench.server.url, SecretStr(PASSWORD), protection=protection()) as database:
        events = Progress(Jobs(database, Leases(database, "host:1", seconds=0)), poll_s=0.01).events(job, 0)
        last = asyncio.create_task(anext(events))
        await asyncio.to_thread(bench.server.stop)
        bench.server.start()
        with bench.server_connection() as sql:
            sql.execute("DELETE FROM rag.ingestion_jobs")
        assert decoded(await asyncio.wait_for(last, 5))[0][0] == "failed"
        await events.aclose()


async def test_what_is_counted_can_be_scraped(bench: Bench, service: Service) -> None:
    bench.collection()
    bench.write("one.md", sections("First"))
    await service.ended((await service.http.post(JOBS, json={"collection": "docs"})).json())
    text = (await service.http.get("/metrics")).text
    for name in ("jobs_open", "jobs_total", "documents_total", "chunks_embedded_total", "embedding_seconds_total"):
        assert f"\ningestion_{name}" in text
