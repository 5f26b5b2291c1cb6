"""A collection of vectors of an experiment's own, written and read at the nodes themselves, past every proxy.

Plain REST, as any client of Qdrant's speaks it: which program a node is makes no difference.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from random import Random
from typing import Any, Self

import orjson
from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout

from chaos.checkers.writes import Ack, Read, Write

COLLECTION = "_chaos"  # the services leave a collection alone whose name begins like that
SETTINGS = {"shard_number": 1, "replication_factor": 3, "write_consistency_factor": 2}
SIZE = 8  # dimensions
MOST = 10_000  # points: a node is read in one page
READ_S = 2.0  # of a node's answer, which takes milliseconds
AGREE_S = 15.0  # for the cluster to create or delete the collection; with a node down it takes 10 s
READS_PER_S = 5.0

Content = Mapping[str, Any]
"""What a node holds: by element, its vector and payload."""


class VectorsError(RuntimeError):
    """A node does not do what it must do in calm, or says that a request is wrong."""


class Vectors:
    """The collection, which is there while the context lasts. An element is a point's number.

    `nodes` are names and addresses, the preferred writer first. All attempts to write are in `writes`; in `reads` what
    nodes held meanwhile and, once `whole` has found them equal, in the end.
    """

    def __init__(
        self, opened: ClientSession, nodes: Mapping[str, str], *, clock: Callable[[], float], patience_s: float = 2.0
    ) -> None:
        self.writes: list[Write] = []
        self.reads: list[Read] = []
        self._session, self._nodes, self._clock = opened, nodes, clock
        self._patience_s = patience_s
        self._order = list(nodes)
        self._numbers = count(1)

    async def __aenter__(self) -> Self:
        await self._drop()  # what a killed run left
        vectors = {"size": SIZE, "distance": "Cosine"}
        await self._must("PUT", "", {"vectors": vectors, **SETTINGS})
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drop()

    # Writing

    async def write(self, *numbers: int, nodes: Sequence[str] = (), note: str = "") -> Ack:
        """Write the points as a client does: at the first of the nodes that takes them, each asked once.

        Without `nodes`, at all of them, and one that has failed comes last from then on.
        """
        ack = Ack.REFUSED
        for node in nodes or tuple(self._order):
            ack = await self._attempt(node, numbers, note)
            if ack is Ack.ACKNOWLEDGED:
                break
            if not nodes:
                self._order.remove(node)
                self._order.append(node)
        return ack

    async def write_new(self, number: int, *, nodes: Sequence[str] = ()) -> Ack:
        """Write so many points at once that have not been written yet."""
        return await self.write(*(next(self._numbers) for _ in range(number)), nodes=nodes)

    @asynccontextmanager
    async def writing(self, rate: float, *, nodes: Sequence[str] = ()) -> AsyncIterator[None]:
        """Write new points meanwhile, one after the other, at most `rate` a second."""

        async def one() -> None:
            await self.write_new(1, nodes=nodes)

        async with _repeating(one, rate):
            yield

    async def _attempt(self, node: str, numbers: Sequence[int], note: str) -> Ack:
        points = [point(number, note) for number in numbers]
        try:
            status, said = await self.ask(node, "PUT", "/points?wait=true", {"points": points}, self._patience_s)
        except ClientConnectorError:
            ack = Ack.REFUSED  # nothing was sent
        except (ClientError, TimeoutError, OSError):
            ack = Ack.UNKNOWN
        else:
            if 400 <= status < 500:
                raise VectorsError(f"{node} calls a write wrong: {status} {said}")
            ack = Ack.ACKNOWLEDGED if status == 200 else Ack.REFUSED
        self.writes += [Write(str(number), self._clock(), ack) for number in numbers]
        return ack

    # Reading

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Note again and again what each node holds."""

        async def one() -> None:
            await asyncio.gather(*map(self._read, self._nodes))

        async with _repeating(one, READS_PER_S):
            yield

    async def _read(self, node: str) -> None:
        started = self._clock()
        if (held := await self.content(node)) is not None:
            self.reads.append(Read(node, started, frozenset(held)))

    async def content(self, node: str) -> Content | None:
        """What the node itself holds; None where it does not answer.

        None too where its replica is not Active before and after, for then another node may have answered for it.
        """
        wanted = {"limit": MOST, "with_payload": True, "with_vector": True}
        try:
            active = await self._active(node)
            status, found = await self.ask(node, "POST", "/points/scroll", wanted)
            if status != 200 or not active or not await self._active(node):
                return None
        except (ClientError, TimeoutError, OSError):
            return None
        return {str(one["id"]): (one["vector"], one["payload"]) for one in found["points"]}

    async def contents(self) -> dict[str, Content | None]:
        """`content` of each node."""
        return dict(zip(self._nodes, await asyncio.gather(*map(self.content, self._nodes)), strict=True))

    async def different(self) -> set[str]:
        """The elements that are not the same on all nodes; raises VectorsError where one cannot be read."""
        held = [content for content in (await self.contents()).values() if content is not None]
        if len(held) < len(self._nodes):
            raise VectorsError("not every node can be read")
        return {one for content in held for one in content if any(other.get(one) != content[one] for other in held)}

    async def whole(self) -> bool:
        """Whether all replicas are Active and those of this collection equal; if so, these are the final reads."""
        started = self._clock()
        if not await self.active():
            return False
        held = await self.contents()
        first, *others = held.values()
        if first is None or any(other != first for other in others):
            return False
        self.reads += [Read(node, started, frozenset(first), final=True) for node in self._nodes]
        return True

    async def active(self) -> bool:
        """Whether in every node's eyes every collection has an Active replica on every node."""
        return all(await asyncio.gather(*map(self._all_active, self._nodes)))

    async def _all_active(self, node: str) -> bool:
        try:
            _, found = await self.ask(node, "GET", None)
            states = [await self._states(node, one["name"]) for one in found["collections"]]
        except (ClientError, TimeoutError, OSError):
            return False
        return bool(states) and all(each == ["Active"] * len(self._nodes) for each in states)

    async def _active(self, node: str) -> bool:
        status, found = await self.ask(node, "GET", "/cluster")
        return status == 200 and [one["state"] for one in found["local_shards"]] == ["Active"]

    async def _states(self, node: str, collection: str) -> list[str]:
        """Those of all replicas of the collection, as the node sees them."""
        status, found = await self.ask(node, "GET", "/cluster", collection=collection)
        return [one["state"] for one in (*found["local_shards"], *found["remote_shards"])] if status == 200 else []

    # Asking

    async def ask(
        self,
        node: str,
        method: str,
        path: str | None,
        body: Any = None,
        patience_s: float = READ_S,
        *,
        collection: str = COLLECTION,
    ) -> tuple[int, Any]:
        """Status and result (else the status' text) of a request about the collection; with no path, about all."""
        url = f"{self._nodes[node]}/collections" + ("" if path is None else f"/{collection}{path}")
        async with self._session.request(method, url, json=body, timeout=ClientTimeout(total=patience_s)) as answer:
            said = orjson.loads(await answer.read())
        return answer.status, said["result"] if answer.status == 200 else said["status"]

    async def factors(self, collection: str = COLLECTION) -> tuple[int, int]:
        """On how many nodes a point of the collection is, and how many of them must have it to acknowledge it."""
        _, told = await self.ask(self._order[0], "GET", "", collection=collection)
        params = told["config"]["params"]
        return params["replication_factor"], params["write_consistency_factor"]

    async def cluster(self, node: str) -> dict[str, Any]:
        """The cluster as the node sees it."""
        async with self._session.get(f"{self._nodes[node]}/cluster", timeout=ClientTimeout(total=READ_S)) as answer:
            result: dict[str, Any] = orjson.loads(await answer.read())["result"]
            return result

    async def _must(self, method: str, path: str, body: Any = None) -> None:
        node = self._order[0]
        status, said = await self.ask(node, method, path, body, AGREE_S)
        if status != 200:
            raise VectorsError(f"{method} {COLLECTION}{path} at {node}: {status} {said}")

    async def _drop(self) -> None:
        await self._must("DELETE", "")


def point(number: int, note: str = "") -> dict[str, Any]:
    """The point of that number: always the same vector, and a payload with the note."""
    random = Random(number)  # noqa: S311 - it has to be the same at each attempt
    return {"id": number, "vector": [random.uniform(-1, 1) for _ in range(SIZE)], "payload": {"note": note}}


@asynccontextmanager
async def _repeating(work: Callable[[], Any], rate: float) -> AsyncIterator[None]:
    """Have `work` done at most `rate` times a second meanwhile; what is under way at the end is waited for."""
    over = asyncio.Event()

    async def repeat() -> None:
        while not over.is_set():
            await work()
            await asyncio.sleep(1 / rate)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        over.set()
        await task
