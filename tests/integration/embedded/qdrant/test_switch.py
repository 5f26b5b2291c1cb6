"""A running cluster becomes one node and three again: nothing is lost, and no read fails."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from infra.qdrant.everywhere import to_all
from infra.qdrant.node import Node as Address
from infra.qdrant.single import leave, to_single
from infra.settings import PROJECT_ROOT
from infra.targets.local.launch import die_with_parent
from tests.integration.embedded.qdrant.nodes import Node, all_active, vector_for
from tests.waiting import wait_for

PAUSE_S = 0.01  # between two requests of one kind, so that the nodes have time for the switch


@dataclass
class Traffic:
    """Reads and writes at a node; a point counts as written once it is acknowledged."""

    node: Node
    first: int
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    written: set[int] = field(default_factory=set)

    def run(self, stop: threading.Event) -> None:
        query = {"query": vector_for(1), "limit": 3, "with_payload": True}
        with httpx.Client(base_url=f"{self.node.http.base_url}/collections/docs", timeout=5) as http:
            while not stop.wait(PAUSE_S):
                one = self.first + self.requests
                found = http.post("/points/query", json=query)
                if found.status_code != 200 or len(found.json()["result"]["points"]) != 3:
                    self.failures.append(found.text)
                points = [{"id": one, "vector": vector_for(one), "payload": {"n": one}}]
                answer = http.put("/points?wait=true", json={"points": points})
                if answer.status_code == 200:
                    self.written.add(one)
                else:
                    self.failures.append(answer.text)
                self.requests += 1


@contextmanager
def traffic(nodes: Sequence[Node], first: int) -> Iterator[list[Traffic]]:
    stop = threading.Event()
    streams = [Traffic(node, first + 10_000 * number) for number, node in enumerate(nodes)]
    threads = [threading.Thread(target=stream.run, args=[stop]) for stream in streams]
    for thread in threads:
        thread.start()
    try:
        _let_go_on(streams)
        yield streams
        _let_go_on(streams)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _let_go_on(streams: Sequence[Traffic]) -> None:
    reached = [stream.requests + 3 for stream in streams]
    wait_for(lambda: all(s.requests >= r for s, r in zip(streams, reached, strict=True)), "requests go on")


def addresses(nodes: Sequence[Node]) -> list[Address]:
    return [Address(f"qdrant-{number}", str(node.http.base_url).rstrip("/")) for number, node in enumerate(nodes)]


def said(_: str) -> None:
    """What a switch tells of its steps is not of interest."""


def all_written(streams: Sequence[Traffic]) -> set[int]:
    return {one for stream in streams for one in stream.written}


def test_a_cluster_goes_on_as_one_node_and_as_three_again_without_a_failed_request(nodes: list[Node]) -> None:
    nodes[0].create()
    nodes[0].ask("PUT", "/collections/docs/index", {"field_name": "n", "field_schema": "integer"})
    nodes[0].upsert(*range(400))
    with traffic(nodes, 10_000) as there:
        to_single(addresses(nodes), "qdrant-0", said)
        leave(addresses(nodes), "qdrant-0", said)
    assert [stream.failures for stream in there] == [[], [], []]
    for node in nodes[1:]:
        node.kill()
    nodes[0].upsert(*range(500, 550))
    nodes[0].delete(1)
    nodes[0].create("new")  # no majority of three is asked any more
    kept = {0, *range(2, 400), *range(500, 550)} | all_written(there)
    assert nodes[0].content().keys() == kept
    for node in nodes[1:]:
        node.start()
    for node in nodes[1:]:
        node.wait_until_ready()
        assert node.states() == ["Active"]  # node 0's
        assert node.count() == len(kept)
    with traffic(nodes, 50_000) as back:
        to_all(addresses(nodes), said)
    assert [stream.failures for stream in back] == [[], [], []]
    assert all_active(nodes)
    assert all_active(nodes, "new")
    assert nodes[0].content() == nodes[1].content() == nodes[2].content()
    assert nodes[0].content().keys() == kept | all_written(back)
    nodes[2].kill()
    nodes[0].upsert(1)  # two of three suffice
    nodes[1].kill()
    nodes[0].upsert(2, status=500)  # one does not


def test_a_node_that_was_away_does_not_bring_its_old_replica_back(nodes: list[Node]) -> None:
    nodes[0].create()
    nodes[0].upsert(1, 2)
    nodes[1].kill()
    nodes[0].upsert(3)
    to_single(addresses(nodes), "qdrant-0", said)
    nodes[0].upsert(4)
    nodes[0].kill()
    nodes[1].restart()
    nodes[1].ask("POST", "/collections/docs/points/count", {}, status=500)  # rather nothing than the two of old
    assert nodes[1].states() == ["Active"]  # node 0's
    assert not list((nodes[1].storage / "collections").iterdir())
    nodes[0].restart()
    assert [node.count() for node in nodes] == [4, 4, 4]


def test_a_command_killed_between_its_steps_is_gone_on_with(nodes: list[Node]) -> None:
    nodes[0].create()
    nodes[0].upsert(*range(300))
    _kill_at("has given up its replica", nodes, "single")
    assert [node.count() for node in nodes] == [300] * 3
    to_single(addresses(nodes), "qdrant-0", said)
    assert [node.states() for node in nodes] == [["Active"]] * 3
    nodes[1].upsert(300)
    _kill_at("copies it", nodes, "replicate")
    nodes[2].upsert(301)
    to_all(addresses(nodes), said)
    assert all_active(nodes)
    assert [node.count() for node in nodes] == [302] * 3


def _kill_at(words: str, nodes: Sequence[Node], action: str) -> None:
    """Run the command, and kill it once it says the words."""
    urls = [word for address in addresses(nodes) for word in ("--url", address.url)]
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "infra.cli", "cluster", action, *urls],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - two calls that take no lock
    ) as command:
        assert command.stdout
        assert any(words in line for line in command.stdout)
        command.kill()


def test_replicas_and_members_that_must_not_go_stay(nodes: list[Node]) -> None:
    def place(status: int = 400, **operation: object) -> str:
        return str(nodes[0].ask("POST", "/collections/docs/cluster", operation, status=status))

    nodes[0].create()
    nodes[0].upsert(1)
    peers = [node.ask("GET", "/cluster")["peer_id"] for node in nodes]
    drop = [{"shard_id": 0, "peer_id": peer} for peer in peers]
    assert place(drop_replica={**drop[1], "shard_id": 1}) == "Bad request: Shard 1 of docs does not exist"
    assert place(drop_replica={**drop[1], "peer_id": 7}) == "Bad request: Peer 7 does not exist"
    assert "there are shards on it" in nodes[1].ask("DELETE", f"/cluster/peer/{peers[2]}", status=400)
    assert place(200, drop_replica=drop[1]) == place(200, drop_replica=drop[2]) == "True"
    assert place(drop_replica=drop[1]) == f"Bad request: Peer {peers[1]} has no replica of shard 0"
    assert "must have at least one active replica" in place(drop_replica=drop[0])
    copy = {"shard_id": 0, "from_peer_id": peers[1], "to_peer_id": peers[2]}
    assert place(replicate_shard=copy) == f"Bad request: Shard 0 is not active on peer {peers[1]}"
    assert place(200, replicate_shard={**copy, "from_peer_id": peers[0], "method": "stream_records"}) == "True"
    wait_for(lambda: nodes[0].states() == ["Active"] * 2, "the replica is copied")
    assert nodes[1].ask("DELETE", f"/cluster/peer/{peers[1]}") is True
    wait_for(lambda: len(nodes[2].ask("GET", "/cluster")["peers"]) == 2, "all know")
    nodes[1].kill()
    nodes[1].restart()
    wait_for(lambda: all(len(n.ask("GET", "/cluster")["peers"]) == 3 for n in nodes), "it has joined again")
    assert nodes[1].count() == 1
