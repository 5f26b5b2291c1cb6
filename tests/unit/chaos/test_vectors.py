from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from chaos.checkers.writes import Ack
from chaos.client import session
from chaos.vectors import COLLECTION, Vectors, VectorsError, point
from tests.servers import REFUSING, Clock, drops, eventually, hangs, upstream

PATH = f"/collections/{COLLECTION}"


@dataclass
class Node:
    """A vector node that answers as told; `others` are the states that it sees the other replicas in."""

    points: dict[int, Any] = field(default_factory=dict)
    state: str = "Active"
    others: tuple[str, ...] = ("Active",)
    write: int | str = 200  # a status, "hangs" or "drops"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if (request.method, request.path) == ("PUT", f"{PATH}/points"):
            return await self._take(request)
        remote = [{"state": state} for state in self.others]
        told = {
            "/collections": {"collections": [{"name": COLLECTION}]},
            "/cluster": {"message_send_failures": {"http://peer/": {"count": 2}}},
            PATH: {"config": {"params": {"replication_factor": 3, "write_consistency_factor": 2}}},
            f"{PATH}/cluster": {"local_shards": [{"state": self.state}], "remote_shards": remote},
            f"{PATH}/points/scroll": {"points": [*self.points.values()], "next_page_offset": None},
        }
        return _result(told[request.path])

    async def _take(self, request: web.Request) -> web.StreamResponse:
        if isinstance(self.write, str):
            return await {"hangs": hangs, "drops": drops}[self.write](request)
        if self.write == 200:
            self.points |= {one["id"]: one for one in (await request.json())["points"]}
            return _result({"status": "completed"})
        return web.json_response({"status": {"error": "no"}}, status=self.write)


def _result(result: Any) -> web.Response:
    return web.json_response({"result": result})


@asynccontextmanager
async def vectors(*nodes: Node | None) -> AsyncIterator[Vectors]:
    """Of these nodes, called a, b …; None is one that refuses connections."""
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(session())
        urls = [(await stack.enter_async_context(upstream(node.answer))).url if node else REFUSING for node in nodes]
        own = Vectors(opened, dict(zip("abc", urls, strict=False)), clock=Clock(), patience_s=0.05)
        yield own


async def test_a_write_goes_to_the_first_node_that_takes_it() -> None:
    first, second = Node(), Node()
    async with vectors(first, second) as own:
        assert await own.write(1, 2) is Ack.ACKNOWLEDGED
    assert ([*first.points], [*second.points]) == ([1, 2], [])
    assert [(write.element, write.ack) for write in own.writes] == [("1", "acknowledged"), ("2", "acknowledged")]


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (None, Ack.REFUSED),
        (Node(write=500), Ack.REFUSED),
        (Node(write="hangs"), Ack.UNKNOWN),
        (Node(write="drops"), Ack.UNKNOWN),
    ],
)
async def test_what_a_failed_attempt_tells_is_noted_and_the_next_node_is_asked(node: Node | None, told: Ack) -> None:
    async with vectors(node, Node()) as own:
        assert await own.write_new(1) is Ack.ACKNOWLEDGED
    assert [write.ack for write in own.writes] == [told, Ack.ACKNOWLEDGED]


async def test_a_node_that_failed_comes_last_from_then_on() -> None:
    async with vectors(None, Node()) as own:
        await own.write_new(1)
        await own.write_new(1)
    assert [write.ack for write in own.writes] == [Ack.REFUSED, Ack.ACKNOWLEDGED, Ack.ACKNOWLEDGED]


async def test_a_write_for_certain_nodes_goes_to_no_other() -> None:
    async with vectors(Node(), Node(write=500)) as own:
        assert await own.write_new(1, nodes=("b",)) is Ack.REFUSED


async def test_a_write_that_is_wrong_is_no_outcome() -> None:
    async with vectors(Node(write=400)) as own:
        with pytest.raises(VectorsError, match="400"):
            await own.write(1)


async def test_writing_and_reading_go_on_while_their_block_lasts() -> None:
    async with vectors(Node()) as own:
        async with own.writing(1000), own.reading():
            await eventually(lambda: len(own.writes) > 2 and own.reads)
        written = len(own.writes)
    assert [write.element for write in own.writes] == [str(number) for number in range(1, written + 1)]
    assert not own.reads[0].final


@pytest.mark.parametrize("state", ["Dead", "Partial"])
async def test_a_node_whose_replica_is_not_active_is_not_read(state: str) -> None:
    async with vectors(Node({1: point(1)}, state), None) as own:
        assert await own.contents() == {"a": None, "b": None}
        with pytest.raises(VectorsError):
            await own.different()


async def test_nodes_differ_in_what_one_lacks_and_in_what_is_otherwise() -> None:
    one = Node({1: point(1), 2: point(2), 3: point(3)})
    other = Node({1: point(1), 2: point(2, "changed")})
    async with vectors(one, other) as own:
        assert await own.different() == {"2", "3"}
        assert not await own.whole()
    assert own.reads == []


async def test_the_final_reads_are_those_of_equal_nodes() -> None:
    async with vectors(Node({7: point(7)}), Node({7: point(7)})) as own:
        assert await own.whole()
    assert [(read.node, *read.seen, read.final) for read in own.reads] == [("a", "7", True), ("b", "7", True)]


@pytest.mark.parametrize("odd", [Node(others=("Dead",)), Node(others=()), Node(state="Partial"), None])
async def test_a_cluster_is_not_whole_where_a_node_sees_it_otherwise(odd: Node | None) -> None:
    async with vectors(Node(), odd) as own:
        assert not await own.active()


async def test_the_collection_is_there_while_the_context_lasts() -> None:
    async with vectors(Node()) as own, own:
        assert (await own.cluster("a"))["message_send_failures"] == {"http://peer/": {"count": 2}}


async def test_a_point_is_always_the_same() -> None:
    assert point(3) == point(3) != point(4)
