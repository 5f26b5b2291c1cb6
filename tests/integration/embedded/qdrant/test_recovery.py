"""Replicas that missed writes end up equal to the others, whatever is written meanwhile and wherever."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.integration.embedded.qdrant.nodes import Node, all_active, vector_for
from tests.waiting import wait_for


@dataclass
class Writer:
    """Changes points of its own at random nodes, as a service does: again until it is acknowledged."""

    nodes: list[Node]
    ids: range
    seed: int
    expected: dict[int, dict[str, Any]] = field(default_factory=dict)
    writes: int = 0
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))

    def work(self, stop: threading.Event) -> None:
        chance = random.Random(self.seed)
        while not stop.is_set():
            some = chance.sample(self.ids, 3)
            self.writes += 1
            match chance.choice(("upsert", "upsert", "delete", "set")):
                case "upsert":
                    points = [{"id": i, "vector": vector_for(i), "payload": {"w": self.writes}} for i in some]
                    self.until_acknowledged(chance, "PUT", "points", {"points": points})
                    self.expected |= {i: {"w": self.writes} for i in some}
                case "delete":
                    self.until_acknowledged(chance, "POST", "points/delete", {"points": some})
                    for i in some:
                        self.expected.pop(i, None)
                case "set":
                    there = {"filter": {"must": [{"has_id": some}]}, "payload": {"s": self.writes}}
                    self.until_acknowledged(chance, "POST", "points/payload", there)
                    for i in set(some) & self.expected.keys():
                        self.expected[i] = {**self.expected[i], "s": self.writes}

    def until_acknowledged(self, chance: random.Random, method: str, path: str, body: Any) -> None:
        while True:
            node = chance.choice(self.nodes)
            try:
                url = f"http://127.0.0.1:{node.http_port}/collections/docs/{path}?wait=true"
                response = self.http.request(method, url, json=body)
            except httpx.TransportError:
                continue
            if response.status_code == 200:
                return


@contextmanager
def writers(nodes: list[Node], count: int) -> Iterator[list[Writer]]:
    stop = threading.Event()
    all_writers = [Writer(nodes, range(index * 1000, index * 1000 + 60), index) for index in range(count)]
    threads = [threading.Thread(target=writer.work, args=[stop]) for writer in all_writers]
    for thread in threads:
        thread.start()
    try:
        yield all_writers
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for writer in all_writers:
            writer.http.close()


def test_nodes_killed_under_writes_from_everywhere_hold_exactly_what_was_acknowledged(nodes: list[Node]) -> None:
    nodes[0].create()
    nodes[0].upsert(*range(10_000, 10_600))  # so that a transfer takes several pages
    with writers(nodes, 3) as all_writers:
        for victim in nodes[2], nodes[0]:
            victim.kill()
            wait_for(lambda: "Dead" in nodes[1].states(), "the killed node counts as dead")
            victim.restart()
            wait_for(lambda: all_active(nodes), "the restarted node has recovered")
    expected = {i: payload for writer in all_writers for i, payload in writer.expected.items()}
    contents = [node.content() for node in nodes]
    assert contents[0] == contents[1] == contents[2]
    assert {i: payload for i, (payload, _) in contents[0].items() if i < 10_000} == expected
    assert sum(1 for i in contents[0] if i >= 10_000) == 600
