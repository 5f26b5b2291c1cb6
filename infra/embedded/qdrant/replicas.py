"""This node's replicas: a shard for every collection that the document gives it, and none besides."""

import asyncio
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.embedded.qdrant.document import Collection, Document, Member, State
from infra.embedded.qdrant.fields import PointId
from infra.embedded.qdrant.optimization import Optimization
from infra.embedded.qdrant.shard import Shard
from infra.embedded.qdrant.writes import Write

FLUSH_S = 5.0  # Qdrant's flush_interval_sec
OPTIMIZE_S = 0.5  # between two looks for a shard that is to be optimized

log = logging.getLogger(__name__)


class NotMemberError(Exception):
    """The replica is not, or not any more, in the tenure that a write is meant for."""


@dataclass
class LocalReplica:
    """A shard with the tenure it is in; `touched` are the ids written since it began, unless it is Active."""

    shard: Shard
    tenure: str
    state: State
    touched: set[PointId] = field(default_factory=set)
    optimization: Optimization = field(init=False)

    def __post_init__(self) -> None:
        self.optimization = Optimization(self.shard)

    async def apply(self, write: Write, tenure: str) -> list[PointId]:
        """Apply a write that is meant for the tenure, and return the ids it meant; raises NotMemberError."""

        def entitled(ids: Sequence[PointId]) -> None:
            self.check(tenure)
            if self.state == "Partial":
                self.touched.update(ids)

        self.check(tenure)
        ids = await self.shard.apply(write, entitled)
        self.check(tenure)
        return ids

    def check(self, tenure: str) -> None:
        """Raise NotMemberError unless the replica is live in that tenure."""
        if self.state == "Dead" or self.tenure != tenure:
            raise NotMemberError


class Replicas:
    """The replicas by their collection's uid."""

    def __init__(self, me: int, directory: Path) -> None:
        self._me = me
        self._directory = directory
        self._replicas: dict[str, LocalReplica] = {}

    def follow(self, document: Document) -> None:
        """Become what the document says: open, create, delete and turn replicas, and set their indexes."""
        wanted = {one.uid: one for one in document.collections.values() if self._me in one.replicas}
        for uid in self._replicas.keys() - wanted.keys():
            replica = self._replicas.pop(uid)
            replica.state = "Dead"  # ends the writes under way
            replica.optimization.end()
            replica.shard.destroy()
        for path in self._directory.iterdir():
            if path.name not in wanted:
                shutil.rmtree(path)  # deleted while this node was down
        for uid, collection in wanted.items():
            try:
                self._turn(uid, collection)
            except Exception:
                log.exception("replica %s can't be opened or changed", uid)  # the node's others are not to suffer

    def _turn(self, uid: str, collection: Collection) -> None:
        copy = collection.replicas[self._me]
        if uid not in self._replicas:
            self._replicas[uid] = LocalReplica(self._open(uid, collection), copy.tenure, copy.state)
        replica = self._replicas[uid]
        if replica.tenure != copy.tenure or copy.state == "Active":
            replica.touched.clear()
        replica.tenure, replica.state = copy.tenure, copy.state
        replica.shard.set_indexes(collection.indexes)

    def _open(self, uid: str, collection: Collection) -> Shard:
        directory = self._directory / uid
        try:
            return Shard(directory, collection.params)
        except Exception:
            if collection.replicas[self._me].state == "Active":
                raise
            log.exception("replica %s is begun anew, as everything is copied to it", uid)
            shutil.rmtree(directory)
            return Shard(directory, collection.params)

    def get(self, uid: str) -> LocalReplica:
        """The replica of the collection; raises NotMemberError if this node has none that is open."""
        if uid not in self._replicas:
            raise NotMemberError
        return self._replicas[uid]

    def opened(self, uid: str) -> LocalReplica:
        """The replica of a collection that gives this node one; raises KeyError if it couldn't be opened."""
        return self._replicas[uid]

    def member(self, uid: str) -> Member:
        """This node as a live replica of the collection; raises NotMemberError."""
        replica = self.get(uid)
        replica.check(replica.tenure)
        return Member(self._me, replica.tenure)

    async def flush(self) -> None:
        """Flush the shards, again and again, so that their logs stay short."""
        while True:
            await asyncio.sleep(FLUSH_S)
            for replica in list(self._replicas.values()):
                replica.shard.flush()
                await asyncio.sleep(0)

    async def optimize(self) -> None:
        """Optimize the shards that it is time for, again and again, one at a time."""
        while True:
            await asyncio.sleep(OPTIMIZE_S)
            for replica in list(self._replicas.values()):
                if replica.optimization.due:
                    await replica.optimization.run()

    def close(self) -> None:
        """Flush and close all shards."""
        for replica in self._replicas.values():
            replica.optimization.end()
            replica.shard.flush()
            replica.shard.close()
