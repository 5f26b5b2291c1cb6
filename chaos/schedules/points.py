"""A collection of its own at the vector nodes, past every proxy: what is written there, and what they hold."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import ClientSession, ClientTimeout

from chaos.checkers.writes import Ack, Read, Write
from chaos.openloop import Clock

ATTEMPT_S = 1.5  # seconds for a node to take a write; then the next is asked, as the services do
READ_S = 3.0
CREATE_S = 15.0  # a node that is down makes it take ten
ACTIVE = "Active"
DIMENSIONS = 4
MOST = 10_000  # points that a node is asked for

Points = Mapping[int, Any]
"""A node's content: what it holds of each point, payload and vector."""


class NodeError(RuntimeError):
    """A node refuses, or takes no connection."""


class NoAnswerError(NodeError):
    """A node does not answer; whether it did as asked is unknown."""


@dataclass
class Collection:
    """`nodes` are the vector nodes' addresses by their names. Each element is a point of its own."""

    session: ClientSession
    nodes: Mapping[str, str]
    name: str
    clock: Clock
    writes: list[Write] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)  # elements not acknowledged, with their points

    async def create(self) -> None:
        """Make it, a full copy on every node; raises NodeError."""
        config = {
            "vectors": {"size": DIMENSIONS, "distance": "Dot"},
            "shard_number": 1,
            "replication_factor": len(self.nodes),
            "write_consistency_factor": len(self.nodes) // 2 + 1,
        }
        await self._ask(next(iter(self.nodes)), "PUT", "", config, CREATE_S)

    async def drop(self) -> None:
        """Delete it; raises NodeError."""
        await self._ask(next(iter(self.nodes)), "DELETE", "", None, CREATE_S)

    async def write(self, number: int) -> None:
        """Write the element of that number at one node after the other until one acknowledges it."""
        element = f"e{number}"
        self.open[element] = number
        names = list(self.nodes)
        turn = number % len(names)
        for node in (*names[turn:], *names[:turn]):
            ack = await self._written(node, number, element)
            self.writes.append(Write(element, self.clock(), ack))
            if ack is Ack.ACKNOWLEDGED:
                del self.open[element]
                return

    async def write_again(self) -> None:
        """Repeat what was not acknowledged: a refused write stays on the node that took it until it is repeated."""
        await asyncio.gather(*map(self.write, list(self.open.values())))

    async def not_active(self) -> list[str]:
        """The replicas that a node does not call Active, its own or another's."""
        found = []
        for name in self.nodes:
            there = await self._ask(name, "GET", "/cluster", None, READ_S)
            states = [shard["state"] for shard in (*there["local_shards"], *there["remote_shards"])]
            if states != [ACTIVE] * len(self.nodes):
                found.append(f"{name} sees {', '.join(states)}")
        return found

    async def content(self, node: str) -> Points:
        """All points that a node holds, which are its own as long as its copy is Active; raises NodeError."""
        wanted = {"limit": MOST, "with_payload": True, "with_vector": True}
        there = (await self._ask(node, "POST", "/points/scroll", wanted, READ_S))["points"]
        return {point["id"]: {"payload": point["payload"], "vector": point["vector"]} for point in there}

    async def _written(self, node: str, number: int, element: str) -> Ack:
        point = {"id": number, "vector": [1.0, 0.0, 0.5, float(number)], "payload": {"element": element}}
        try:
            await self._ask(node, "PUT", "/points?wait=true", {"points": [point]}, ATTEMPT_S)
        except NoAnswerError:
            return Ack.UNKNOWN
        except NodeError:
            return Ack.REFUSED
        return Ack.ACKNOWLEDGED

    async def _ask(self, node: str, method: str, path: str, body: Any, within_s: float) -> Any:
        url = f"{self.nodes[node]}/collections/{self.name}{path}"
        try:
            async with self.session.request(method, url, json=body, timeout=ClientTimeout(total=within_s)) as answer:
                said = await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise NodeError(f"{node}: {error}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswerError(f"{node}: {type(error).__name__} {error}") from error
        if answer.status != 200:
            raise NodeError(f"{node} answers {method} {path} with {answer.status}: {said[:200].decode()}")
        return orjson.loads(said)["result"]


def final_reads(contents: Mapping[str, Points], at: float) -> list[Read]:
    """What the nodes held at the end, for the checker of acknowledged writes."""
    return [
        Read(node, at, frozenset(point["payload"]["element"] for point in points.values()), final=True)
        for node, points in contents.items()
    ]
