import asyncio

import pytest
from aiohttp import web

from infra.qdrant.node import Node, NodeError, SilentError, path_of
from tests.servers import REFUSING, Upstream, says, upstream


async def ask(served: Upstream, method: str = "GET", path: str = "/cluster", body: object = None) -> object:
    return await asyncio.to_thread(Node("qdrant-0", served.url).ask, method, path, body)


async def test_a_node_gives_the_result_of_its_answer() -> None:
    async with upstream(says({"result": True, "status": "ok"})) as served:
        assert await ask(served, "PATCH", path_of("a b", "/cluster"), {"a": 1}) is True
    assert served.asked == [("PATCH", "/collections/a%20b/cluster", {"a": 1})]


async def test_a_refusal_has_the_nodes_name_and_words() -> None:
    async with upstream(says({"status": {"error": "Bad request: no"}}, 400)) as served:
        with pytest.raises(NodeError, match=r"^qdrant-0: GET /cluster: 400: Bad request: no$"):
            await ask(served)


async def test_a_refusal_without_json_is_told_too() -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", status=502)

    async with upstream(page) as served:
        with pytest.raises(NodeError, match="502: <html>"):
            await ask(served)


def test_a_node_that_cannot_be_reached_is_silent() -> None:
    with pytest.raises(SilentError, match=r"qdrant-0 does not answer at http://127.0.0.1:1: .*refused"):
        Node("qdrant-0", REFUSING).ask("GET", "/cluster")


async def test_an_answer_that_is_none_is_told() -> None:
    async with upstream(says([])) as served:
        with pytest.raises(NodeError, match="qdrant-0: GET /cluster: not an answer of Qdrant's"):
            await ask(served)


async def test_all_pages_are_read() -> None:
    async def scroll(request: web.Request) -> web.StreamResponse:
        offset = (await request.json()).get("offset", 0)
        page = {"points": [{"id": offset}], "next_page_offset": offset + 1 if offset < 2 else None}
        return web.json_response({"result": page})

    async with upstream(scroll) as served:
        pages = await asyncio.to_thread(lambda: list(Node("qdrant-0", served.url).pages("docs")))
    assert [point["id"] for page in pages for point in page] == [0, 1, 2]
