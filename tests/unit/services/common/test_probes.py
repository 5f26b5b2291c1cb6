from collections.abc import Callable, Sequence

import pytest
from aiohttp import web

from services.common import probes
from services.common.probes import Probe
from tests.servers import REFUSING, says, upstream

COLLECTIONS = {"result": {"collections": [{"name": "docs"}]}}


@pytest.mark.parametrize(
    ("make", "asked"),
    [
        (lambda url: probes.embedding(url, "m"), ("POST", "/api/embed", {"model": "m", "input": "probe"})),
        (probes.service, ("GET", "/health", None)),
    ],
)
async def test_a_probe_asks_for_the_work_that_is_guarded(make: Callable[[str], Probe], asked: object) -> None:
    async with upstream(says({})) as served:
        await make(served.url)()
    assert served.asked == [asked]


async def test_a_generation_is_probed_by_a_token() -> None:
    async with upstream(says({})) as served:
        await probes.generation(served.url, "m")()
    assert served.asked[0][2]["options"] == {"num_predict": 1}


async def test_an_answer_that_fails_fails_the_probe() -> None:
    async with upstream(says({}, 500)) as served:
        with pytest.raises(Exception, match="500"):
            await probes.service(served.url)()


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (probes.vector_read, "/collections/docs/points/scroll"),
        (probes.vector_write, "/collections/docs/points/delete?wait=true"),
    ],
)
async def test_vectors_are_probed_at_the_first_node_that_serves(
    make: Callable[[Sequence[str]], Probe], path: str
) -> None:
    async with upstream(says(COLLECTIONS)) as served:
        await make([REFUSING, served.url])()
    assert [(method, asked) for method, asked, _ in served.asked] == [("GET", "/collections"), ("POST", path)]


async def test_a_write_that_no_node_takes_fails_the_probe_though_reads_work() -> None:
    async def reads_only(request: web.Request) -> web.StreamResponse:
        return await says(COLLECTIONS, 200 if request.method == "GET" else 500)(request)

    async with upstream(reads_only) as served:
        with pytest.raises(ExceptionGroup):
            await probes.vector_write([served.url, REFUSING])()


async def test_a_store_without_collections_is_well() -> None:
    async with upstream(says({"result": {"collections": []}})) as served:
        await probes.vector_write([served.url])()


async def test_a_database_that_is_away_fails_the_probe() -> None:
    with pytest.raises(Exception, match="refused"):
        await probes.database("postgresql://rag@127.0.0.1:1/rag", None)()
