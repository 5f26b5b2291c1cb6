"""The collections service with a real database; the vector cluster and ingestion are small servers of the test."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import psycopg
import pytest
from aiohttp import web
from pydantic import SecretStr

from services.collections.main import build
from services.collections.settings import CollectionsSettings
from services.common import versions
from tests.postgres import PASSWORD, Postgres
from tests.servers import Upstream, client, eventually, upstream

BASE = "/api/v1/collections"
JOB = "6d1f3c1e-0000-4000-8000-000000000001"


@dataclass
class Service:
    """The service under test with what stands around it."""

    http: httpx.AsyncClient
    qdrant: Upstream
    ingestion: Upstream
    data: Path

    async def create(self, name: str = "handbook", **fields: Any) -> httpx.Response:
        return await self.http.post(BASE, json={"name": name, "directory": "handbook", **fields})


class Points:
    """A vector store that only knows numbers of points."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.away = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        name = request.path.split("/")[2]
        if self.away:
            return web.json_response({"status": {"error": "Service internal error"}}, status=500)
        if request.method == "DELETE":
            return web.json_response({"result": self.counts.pop(name, None) is not None})
        if name not in self.counts:
            return web.json_response(
                {"status": {"error": f"Not found: Collection `{name}` doesn't exist!"}}, status=404
            )
        return web.json_response({"result": {"count": self.counts[name]}})


async def jobs(request: web.Request) -> web.StreamResponse:
    return web.json_response({"id": JOB, "state": "queued"}, status=202)


@pytest.fixture
def points() -> Points:
    return Points()


@asynccontextmanager
async def running(
    database_server: Postgres, points: Points, folder: Path, *, candidate: bool = False
) -> AsyncIterator[Service]:
    """The service with an ingestion service of its own."""
    for name in ("handbook", "docs", "other"):
        (folder / name).mkdir(exist_ok=True)
    docs = {"name": "docs", "directory": "docs", "embedding_model": "all-minilm"}
    (folder / "collections.json").write_text(json.dumps({"collections": [docs]}))
    async with upstream(points) as qdrant, upstream(jobs) as ingestion:
        settings = CollectionsSettings(
            candidate=candidate,
            inter_service_secret=SecretStr("a-token"),
            qdrant_urls=(qdrant.url,),
            ingestion_url=ingestion.url,
            database_url=database_server.url,
            database_password=SecretStr(PASSWORD),
            collections_file=folder / "collections.json",
            data_root=folder,
            watch_refresh_s=0.1,
            watch_stable_s=0.1,
            replication_marker_s=0,
            circuit_breaker_recovery_s=0.1,
        )
        async with client(build(settings)) as http:
            yield Service(http, qdrant, ingestion, folder)


@pytest.fixture
async def service(database_server: Postgres, points: Points, tmp_path: Path) -> AsyncIterator[Service]:
    async with running(database_server, points, tmp_path) as service:
        yield service


def asked_for(service: Service, name: str) -> list[Any]:
    """The jobs asked for a collection: the paths, None for all, True for a reindex."""
    bodies = [body for method, _, body in service.ingestion.asked if method == "POST" and body["collection"] == name]
    return [body["force"] or body.get("paths") for body in bodies]


async def test_a_collection_is_created_shown_changed_and_deleted(service: Service, points: Points) -> None:
    created = await service.create(chunk_tokens=128)
    assert created.status_code == 201
    assert created.headers["Location"] == f"{BASE}/handbook"
    wanted = {
        "name": "handbook",
        "directory": "handbook",
        "embedding_model": "all-minilm",
        "chunk_tokens": 128,
        "chunk_overlap": 32,
        "enabled": True,
    }
    assert created.json() == wanted
    assert (await service.http.get(f"{BASE}/handbook")).json() == wanted
    assert (await service.http.get(BASE)).json() == {"collections": [wanted]}

    patched = await service.http.patch(f"{BASE}/handbook", json={"enabled": False})
    assert patched.json() == wanted | {"enabled": False}
    put = await service.http.put(f"{BASE}/handbook", json={"directory": "other", "embedding_model": "m"})
    assert put.json() == wanted | {"directory": "other", "embedding_model": "m", "chunk_tokens": 256}
    assert (await service.http.get(f"{BASE}/handbook")).json() == put.json()

    points.counts["handbook"] = 3
    assert (await service.http.delete(f"{BASE}/handbook")).status_code == 204
    assert points.counts == {}
    assert (await service.http.get(f"{BASE}/handbook")).status_code == 404
    assert (service.data / "handbook").is_dir()


async def test_the_older_path_answers_too(service: Service) -> None:
    answer = await service.http.get("/collections")
    assert answer.status_code == 200
    assert answer.headers["Link"] == f'<{BASE}>; rel="successor-version"'


async def test_a_name_is_taken_once(service: Service) -> None:
    await service.create()
    again = await service.create()
    assert again.status_code == 409
    assert again.json()["detail"] == "collection 'handbook' exists already"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"directory": "../.."}, "directory: '../..' leads out of the data root"),
        ({"directory": "/etc"}, "directory: '/etc' leads out of the data root"),
        ({"directory": "nowhere"}, "directory: 'nowhere' is no folder below the data root"),
        ({"name": "a b"}, "name: "),
        ({"chunk_tokens": 4}, "chunk_tokens: "),
        ({"chunk_overlap": 200}, "chunk_overlap may be half of chunk_tokens at most"),
        ({"colour": "blue"}, "colour: "),
    ],
)
async def test_a_collection_that_makes_no_sense_is_refused(service: Service, fields: dict[str, Any], said: str) -> None:
    answer = await service.create(**fields)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert (await service.http.get(f"{BASE}/handbook")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/documents"),
        ("GET", "/stats"),
        ("POST", "/reindex"),
    ],
)
async def test_what_does_not_exist_is_not_found(service: Service, method: str, path: str) -> None:
    body = {"directory": "other"} if method in {"PUT", "PATCH"} else None
    answer = await service.http.request(method, f"{BASE}/none{path}", json=body)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "collection 'none' does not exist"


async def test_a_new_collection_is_ingested_and_then_watched(service: Service) -> None:
    await service.create()
    await eventually(lambda: asked_for(service, "handbook") == [None])
    (service.data / "handbook/a.md").write_text("text")
    await eventually(lambda: asked_for(service, "handbook") == [None, ["a.md"]])
    assert service.ingestion.headers[-1]["X-Service-Token"] == "a-token"


async def test_a_candidate_leaves_the_folders_to_the_stable_release(
    service: Service, database_server: Postgres, points: Points, tmp_path: Path
) -> None:
    async with running(database_server, points, tmp_path, candidate=True) as candidate:
        await candidate.create()
        await eventually(lambda: asked_for(service, "handbook") == [None])
        (service.data / "handbook/a.md").write_text("text")
        await eventually(lambda: asked_for(service, "handbook") == [None, ["a.md"]])
        assert asked_for(candidate, "handbook") == asked_for(candidate, "docs") == []
        assert (await candidate.http.post(f"{BASE}/handbook/reindex")).status_code == 202
    assert asked_for(candidate, "handbook") == [True]


async def test_a_disabled_collection_is_not_watched_until_it_is_enabled_again(service: Service) -> None:
    await service.create(enabled=False)
    await service.create("other", directory="other")
    await eventually(lambda: asked_for(service, "other") == [None])
    assert asked_for(service, "handbook") == []
    await service.http.patch(f"{BASE}/handbook", json={"enabled": True})
    await eventually(lambda: asked_for(service, "handbook") == [None])


async def test_a_reindex_reads_everything_again(service: Service) -> None:
    await service.create()
    answer = await service.http.post(f"{BASE}/handbook/reindex")
    assert answer.status_code == 202
    assert answer.json()["id"] == JOB
    assert answer.headers["Location"] == f"/api/v1/ingestion/jobs/{JOB}"
    assert True in asked_for(service, "handbook")


@pytest.fixture
def documents(sql: psycopg.Connection) -> None:
    """Two documents of `handbook`, one broken, and one job that runs."""
    sql.execute(
        "INSERT INTO rag.documents (collection, path, status, reason, chunks, title) VALUES "
        "('handbook', 'a.md', 'indexed', NULL, 4, 'A'), ('handbook', 'b.pdf', 'failed', 'cannot be read', 0, NULL)"
    )
    sql.execute(f"INSERT INTO rag.ingestion_jobs (id, collection, state) VALUES ('{JOB}', 'handbook', 'running')")


@pytest.mark.usefixtures("documents")
async def test_the_documents_tell_what_became_of_each(service: Service) -> None:
    await service.create()
    listed = (await service.http.get(f"{BASE}/handbook/documents")).json()
    assert (listed["total"], listed["offset"], listed["limit"]) == (2, 0, 100)
    assert [(d["path"], d["status"], d["reason"], d["chunks"]) for d in listed["documents"]] == [
        ("a.md", "indexed", None, 4),
        ("b.pdf", "failed", "cannot be read", 0),
    ]
    failed = (await service.http.get(f"{BASE}/handbook/documents", params={"status": "failed"})).json()
    assert [d["path"] for d in failed["documents"]] == ["b.pdf"]
    beyond = (await service.http.get(f"{BASE}/handbook/documents", params={"offset": 5, "limit": 1})).json()
    assert (beyond["documents"], beyond["total"]) == ([], 2)


@pytest.mark.usefixtures("documents")
async def test_the_stats_count_files_documents_chunks_and_vectors(service: Service, points: Points) -> None:
    await service.create()
    for name in ("a.md", "b.pdf", "new.txt", "picture.png"):
        (service.data / "handbook" / name).write_text("x")
    stats = (await service.http.get(f"{BASE}/handbook/stats")).json()
    job = stats.pop("last_job")
    assert (job["id"], job["state"]) == (JOB, "running")
    numbers = {"files": 3, "documents": 2, "indexed": 1, "failed": 1, "chunks": 4, "vectors": 0, "open_jobs": 1}
    assert stats == {"name": "handbook", **numbers}
    points.counts["handbook"] = 4
    assert (await service.http.get(f"{BASE}/handbook/stats")).json()["vectors"] == 4
    points.away = True
    assert (await service.http.get(f"{BASE}/handbook/stats")).json()["vectors"] is None


@pytest.mark.usefixtures("documents")
async def test_deleting_ends_the_jobs_and_forgets_the_documents(service: Service, sql: psycopg.Connection) -> None:
    await service.create()
    assert (await service.http.delete(f"{BASE}/handbook")).status_code == 204
    assert sql.execute("SELECT state, reason FROM rag.ingestion_jobs").fetchall() == [
        ("failed", "the collection was deleted")
    ]
    assert sql.execute("SELECT count(*) FROM rag.documents").fetchall() == [(0,)]


async def test_a_deletion_is_answered_when_nobody_relies_on_the_version_before_it_any_more(
    service: Service, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "LEASE_S", 0.2)
    for version in (1, 2):  # it grows on, although the collection was gone meanwhile
        await service.create()
        started = perf_counter()
        assert (await service.http.delete(f"{BASE}/handbook")).status_code == 204
        assert perf_counter() - started >= 0.2
        assert sql.execute("SELECT * FROM rag.collection_versions").fetchall() == [("handbook", version)]


async def test_a_deletion_that_fails_halfway_can_be_repeated(service: Service, points: Points) -> None:
    await service.create()
    points.counts["handbook"], points.away = 3, True
    refused = await service.http.delete(f"{BASE}/handbook")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert (await service.http.get(f"{BASE}/handbook")).json()["enabled"] is False
    points.away = False
    assert (await service.http.delete(f"{BASE}/handbook")).status_code == 204
    assert points.counts == {}


async def test_a_database_without_collections_leaves_those_of_the_file(service: Service) -> None:
    listed = (await service.http.get(BASE)).json()["collections"]
    assert [collection["name"] for collection in listed] == ["docs"]


async def test_while_the_database_is_away_collections_are_listed_and_nothing_changes(
    service: Service, database_server: Postgres
) -> None:
    await service.create()
    database_server.stop()
    listed = (await service.http.get(BASE)).json()["collections"]
    assert [collection["name"] for collection in listed] == ["docs"]
    for answer in (await service.create("more"), await service.http.get(f"{BASE}/docs/stats")):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
    ready = await service.http.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["dependencies"]["timescaledb"]["ok"] is False
    database_server.start()

    async def names() -> list[str]:
        return [collection["name"] for collection in (await service.http.get(BASE)).json()["collections"]]

    deadline = time.monotonic() + 20
    while await names() != ["handbook"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", {"name": "more", "directory": "docs"}),
        ("PUT", "/docs", {"directory": "other"}),
        ("PATCH", "/docs", {"directory": "other"}),
        ("DELETE", "/docs", None),
        ("GET", "/docs/documents", None),
    ],
)
async def test_a_database_without_its_tables_is_told_as_that(
    service: Service, sql: psycopg.Connection, method: str, path: str, body: dict[str, str] | None
) -> None:
    sql.execute("ALTER SCHEMA rag RENAME TO elsewhere")
    try:
        answer = await service.http.request(method, f"{BASE}{path}", json=body)
    finally:
        sql.execute("ALTER SCHEMA elsewhere RENAME TO rag")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "database: it lacks the schema; its migrations have not run"


async def test_a_collection_moved_between_disks_is_found_in_its_new_directory(service: Service) -> None:
    await service.create()
    await eventually(lambda: asked_for(service, "handbook") == [None])
    await service.http.patch(f"{BASE}/handbook", json={"directory": "other"})
    await eventually(lambda: asked_for(service, "handbook") == [None, None])
    (service.data / "other/a.md").write_text("text")
    await eventually(lambda: asked_for(service, "handbook")[-1] == ["a.md"])


async def test_what_was_below_a_folder_that_is_gone_is_known_from_the_database(
    service: Service, sql: psycopg.Connection
) -> None:
    (service.data / "handbook/old").mkdir()
    await service.create()
    sql.execute("INSERT INTO rag.documents (collection, path, status) VALUES ('handbook', 'old/a.md', 'indexed')")
    await eventually(lambda: asked_for(service, "handbook") == [None])
    (service.data / "handbook/old").rename(service.data / "elsewhere")
    await eventually(lambda: asked_for(service, "handbook")[-1] == ["old/a.md"])
