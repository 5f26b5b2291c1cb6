"""How a write gets from the node that was asked to all live replicas.

It is applied here first. The replicas that it goes to are read from the document after that, and read again whenever
an answer brings a newer one; so a replica that begins to recover meanwhile either copies the write or is sent it.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from infra.embedded.qdrant.cluster import Cluster
from infra.embedded.qdrant.document import Collection, Document, Member, dead
from infra.embedded.qdrant.errors import internal, not_found
from infra.embedded.qdrant.fields import PointId
from infra.embedded.qdrant.peers import RefusedError, encode
from infra.embedded.qdrant.reads import shown_points
from infra.embedded.qdrant.register import NoMajorityError, UnreachableError
from infra.embedded.qdrant.replicas import LocalReplica, NotMemberError, Replicas
from infra.embedded.qdrant.writes import Write, read_write

ATTEMPTS = 3  # to connect to a peer before it counts as dead
MARK_S = 1.0  # patience with the agreement that a replica is dead


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """A write under way: what the coordinator applied, and the body that says it to others."""

    uid: str
    write: Write
    ids: list[PointId]
    body: bytes
    replica: LocalReplica
    coordinator: Member


class Replication:
    """Coordinates writes, and takes those that other nodes coordinate."""

    def __init__(self, cluster: Cluster, replicas: Replicas, peer_timeout_s: float) -> None:
        self._cluster = cluster
        self._replicas = replicas
        self._peer_timeout_s = peer_timeout_s
        self._marking = asyncio.Lock()
        self._operation = 0

    async def coordinate(self, uid: str, write: Write, said: Mapping[str, Any], body: bytes) -> int:
        """Apply the write on all live replicas and return its operation's number; `said` is the JSON of `body`.

        Raises NotMemberError unless this node's replica is Active throughout, and QdrantError where too few replicas
        take the write; those that did keep it.
        """
        replica, coordinator = self._replicas.get(uid), self._replicas.member(uid)
        if replica.state != "Active":
            raise NotMemberError
        ids = await replica.apply(write, coordinator.tenure)
        if write.where:
            body = encode({**said, "points": ids})
        await self._replicate(_Job(uid, write, ids, body, replica, coordinator))
        return self.next_operation()

    def next_operation(self) -> int:
        """A number for an operation: milliseconds of the clock, so that they grow across restarts too."""
        self._operation = max(self._operation + 1, time.time_ns() // 1_000_000)
        return self._operation

    async def _replicate(self, job: _Job) -> None:
        answered = {job.coordinator}
        failed: dict[Member, str] = {}
        sending: dict[Member, asyncio.Task[bool]] = {}
        try:
            while True:
                news, document = self._cluster.news, self._cluster.document
                collection = _collection(document, job.uid)
                live = collection.live
                if job.coordinator not in live:
                    raise NotMemberError
                for member in sending.keys() - live:
                    sending.pop(member).cancel()
                for member in live - answered - failed.keys() - sending.keys():
                    sending[member] = asyncio.create_task(self._send(job, member, document, collection))
                if sending:
                    await _first(sending.values(), news)
                    _collect(sending, answered, failed)
                elif len(answered & live) < collection.acknowledgements:
                    raise internal(next(iter(failed.values()), "not enough replicas are live to take the write"))
                elif missing := failed.keys() & live:
                    await self._mark_dead(job, missing, failed)
                else:
                    return
        finally:
            for task in sending.values():
                task.cancel()

    async def _send(self, job: _Job, member: Member, document: Document, collection: Collection) -> bool:
        """Whether the member has the write; if not, the document that says why has been learned."""
        kind, body = job.write.kind, job.body
        if job.write.alters and collection.replicas[member.peer].state == "Partial":
            kind, body = "upsert", _as_they_are(job)  # it may lack the points that the write alters
        while True:
            answer = await self._cluster.peers.ask(
                member.peer,
                f"/p2p/write/{job.uid}/{kind}?tenure={member.tenure}&version={document.version}",
                body,
                timeout_s=self._peer_timeout_s,
                attempts=ATTEMPTS,
            )
            if answer["outcome"] != "behind":
                self._cluster.learn_from(answer)
                return bool(answer["outcome"] == "applied")
            await self._cluster.tell(member.peer)

    async def _mark_dead(self, job: _Job, missing: Iterable[Member], failed: Mapping[Member, str]) -> None:
        async with self._marking:  # of many writes that miss the same replica, one has it marked
            lost = _collection(self._cluster.document, job.uid).live & set(missing)
            if not lost:
                return
            try:
                await self._cluster.change(dead(job.uid, lost, job.coordinator), MARK_S)
            except NoMajorityError:
                raise internal(failed[lost.pop()]) from None
            for member in lost:
                log.warning("peer %s counts as dead: %s", member.peer, failed[member])

    async def receive(self, uid: str, kind: str, tenure: str, version: int, body: bytes) -> dict[str, Any]:
        """Apply a write that another node coordinates, knowing that version of the document.

        A node that knows less than the coordinator doesn't apply it, nor one whose replica isn't in that tenure.
        """
        if not self._cluster.joined or self._cluster.document.version < version:
            return {"outcome": "behind"}
        outcome = "applied" if await self._apply(uid, kind, tenure, body) else "stale"
        return {"outcome": outcome, **self._cluster.newer_than(version)}

    async def _apply(self, uid: str, kind: str, tenure: str, body: bytes) -> bool:
        found = self._cluster.document.by_uid(uid)
        if not found or Member(self._cluster.me, tenure) not in found[1].live:
            return False
        write = read_write(kind, orjson.loads(body), found[1].params.size)
        replica = self._replicas.opened(uid)
        with suppress(NotMemberError):
            await replica.apply(write, tenure)
            return True
        return False


def _collection(document: Document, uid: str) -> Collection:
    found = document.by_uid(uid)
    if not found:
        raise not_found("the collection was deleted meanwhile")
    return found[1]


async def _first(tasks: Iterable[asyncio.Task[bool]], news: asyncio.Event) -> None:
    """Return once a task is done or there is a newer document."""
    newer = asyncio.create_task(news.wait())
    try:
        await asyncio.wait([*tasks, newer], return_when=asyncio.FIRST_COMPLETED)
    finally:
        newer.cancel()


def _collect(sending: dict[Member, asyncio.Task[bool]], answered: set[Member], failed: dict[Member, str]) -> None:
    for member in [member for member, task in sending.items() if task.done()]:
        try:
            if sending.pop(member).result():
                answered.add(member)
        except (UnreachableError, RefusedError) as error:
            failed[member] = str(error)


def _as_they_are(job: _Job) -> bytes:
    """The write's points as they are here after it, to be upserted."""
    return encode({"points": shown_points(job.replica.shard.retrieve(job.ids, with_payload=True, with_vector=True))})
