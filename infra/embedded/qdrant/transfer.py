"""How a replica that missed writes becomes Active again: it is sent all new writes, and copies the rest.

What a write has touched since the tenure began is newer than any page, so pages don't overwrite it. Points that are
the same already are left where they are, so that the graph that they are in stays of use. In the end what the source
doesn't have is removed.
"""

import asyncio
import logging
from contextlib import suppress
from secrets import token_hex
from typing import Any

from qdrant_edge import ScrollRequest, UpdateOperation

from infra.embedded.qdrant.cluster import Cluster
from infra.embedded.qdrant.document import Collection, Member, recovered, recovering
from infra.embedded.qdrant.fields import PointId, point_id
from infra.embedded.qdrant.peers import RefusedError
from infra.embedded.qdrant.reads import shown_points
from infra.embedded.qdrant.register import NoMajorityError, UnreachableError
from infra.embedded.qdrant.replicas import NotMemberError, Replicas
from infra.embedded.qdrant.shard import plain
from infra.embedded.qdrant.writes import read_write

PAGE = 128  # points; 1 MB at 384 dimensions
PAGE_S = 5.0  # patience with the source for one page
REACH_S = 3.0  # patience with a node that tries to reach this one
AGREE_S = 5.0  # patience with the agreement on a replica's state
RETRY_S = 1.0

log = logging.getLogger(__name__)


class Transfer:
    """Recovers this node's replicas, and is the source for others'."""

    def __init__(self, cluster: Cluster, replicas: Replicas) -> None:
        self._cluster = cluster
        self._replicas = replicas
        self._tenures: dict[str, str] = {}
        self._said = ""

    async def run(self) -> None:
        """Recover whatever isn't Active, again and again."""
        while True:
            news = self._cluster.news
            for name, collection in self._cluster.document.collections.items():
                copy = collection.replicas.get(self._cluster.me)
                if copy and copy.state != "Active":
                    await self._try(name, collection)
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await news.wait()

    async def _try(self, name: str, collection: Collection) -> None:
        try:
            await self._recover(name, collection)
        except (UnreachableError, RefusedError, NotMemberError, NoMajorityError) as error:
            self._say(f"{name}: not recovered yet: {type(error).__name__} {error}")
        except Exception:
            log.exception("%s: recovering failed", name)
        else:
            self._say(f"{name}: recovered")

    def _say(self, what: str) -> None:
        """Log it, once."""
        if what != self._said:
            self._said = what
            log.info(what)

    async def _recover(self, name: str, collection: Collection) -> None:
        uid = collection.uid
        await self._check_reachable(collection.active)
        member = await self._begin(collection)
        for source in self._cluster.document.collections[name].active:
            try:
                await self._copy(collection, member, source)
                break
            except (UnreachableError, RefusedError) as error:
                self._say(f"{name}: copying from {source} failed: {error}")
        else:
            raise UnreachableError("no source for the missing points")
        await self._cluster.change(recovered(uid, member), AGREE_S)

    async def _check_reachable(self, active: list[int]) -> None:
        """Raise UnreachableError if a node that coordinates writes can't reach this one; its writes would wait."""
        path = f"/p2p/reach?peer={self._cluster.me}"
        calls = [self._cluster.peers.ask(peer, path, timeout_s=REACH_S) for peer in active]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        reached = [answer["reached"] for answer in answers if isinstance(answer, dict)]
        if not reached or not all(reached):
            raise UnreachableError("this node can't be reached")

    async def _begin(self, collection: Collection) -> Member:
        """Begin a tenure, unless the replica is in one that this process has begun."""
        uid = collection.uid
        copy = collection.replicas[self._cluster.me]
        if copy.state == "Dead" or copy.tenure != self._tenures.get(uid):
            self._tenures[uid] = token_hex(8)
            await self._cluster.change(recovering(uid, Member(self._cluster.me, self._tenures[uid])), AGREE_S)
        self._replicas.get(uid).check(self._tenures[uid])
        return Member(self._cluster.me, self._tenures[uid])

    async def _copy(self, collection: Collection, member: Member, source: int) -> None:
        replica = self._replicas.get(collection.uid)
        seen: set[PointId] = set()
        offset: PointId | None = None
        while True:
            page = await self._page(collection.uid, source, offset)
            await replica.shard.writable()
            replica.check(member.tenure)  # from here to the next page nothing else runs
            rows = {point_id(row["id"]): row for row in page["points"]}
            seen.update(rows)
            held = {
                plain(point.id): (point.payload, point.vector)
                for point in replica.shard.retrieve(list(rows), with_payload=True, with_vector=True)
            }
            missed = [
                row
                for one, row in rows.items()
                if one not in replica.touched and held.get(one) != (row["payload"], row["vector"])
            ]
            write = read_write("upsert", {"points": missed}, collection.params.size)
            if write.ids:
                replica.shard.update(write.operation(list(write.ids)), write.ids)
            if page["next"] is None:
                break
            offset = page["next"]
        extra = [one for one in replica.shard.matching(None) if one not in seen and one not in replica.touched]
        replica.shard.update(UpdateOperation.delete_points([*extra]), extra)

    async def _page(self, uid: str, source: int, offset: PointId | None) -> dict[str, Any]:
        while True:
            path = f"/p2p/page/{uid}?version={self._cluster.document.version}"
            page: dict[str, Any] = await self._cluster.peers.ask(source, path, {"offset": offset}, timeout_s=PAGE_S)
            if page["outcome"] == "page":
                return page
            if page["outcome"] == "stale":
                self._cluster.learn_from(page)
                raise RefusedError(f"peer {source} is no source")
            await self._cluster.tell(source)

    def give_page(self, uid: str, version: int, offset: PointId | None) -> dict[str, Any]:
        """Some points, in the order of their ids, for a node that knows that version of the document.

        A source knows at least as much, and so sends that node all writes that its pages lack.
        """
        if not self._cluster.joined or self._cluster.document.version < version:
            return {"outcome": "behind"}
        found = self._cluster.document.by_uid(uid)
        if not found or self._cluster.me not in found[1].active:
            return {"outcome": "stale", **self._cluster.newer_than(version)}
        request = ScrollRequest(offset=offset, limit=PAGE, with_payload=True, with_vector=True)
        points, following = self._replicas.get(uid).shard.scroll(request)
        return {"outcome": "page", "points": shown_points(points), "next": following}
