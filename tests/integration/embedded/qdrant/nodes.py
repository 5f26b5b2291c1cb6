"""Clusters of embedded nodes on free ports: each node a process of its own, which can be killed, paused and cut off."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from infra.settings import PROJECT_ROOT
from infra.targets.local.launch import die_with_parent
from tests.waiting import wait_for

PEER_TIMEOUT_S = 1  # 15 outside of tests
CONSENSUS_TIMEOUT_S = 1  # 10 outside of tests


def free_ports(count: int) -> list[int]:
    """Different ports that were free a moment ago."""
    with ExitStack() as sockets:
        probes = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@dataclass
class Node:
    """One node; `uri` is where the others reach it."""

    http_port: int
    p2p_port: int
    uri: str
    bootstrap: str
    storage: Path
    others: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.http_port}", timeout=10)

    def start(self) -> None:
        options: dict[str, object] = {
            "--host": "127.0.0.1",
            "--http-port": self.http_port,
            "--p2p-port": self.p2p_port,
            "--uri": self.uri,
            "--bootstrap": self.bootstrap,
            "--storage": self.storage,
            "--peer-timeout": PEER_TIMEOUT_S,
            "--consensus-timeout": CONSENSUS_TIMEOUT_S,
        }
        arguments = [str(word) for option in options.items() for word in option]
        arguments += [word for uri in self.others for word in ("--other", uri)]
        with self.storage.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "infra.embedded.qdrant", *arguments],
                cwd=PROJECT_ROOT,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - two calls that take no lock
            )

    def signal(self, number: int) -> None:
        assert self.process
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process
        self.process.wait(20)
        self.process = None

    def restart(self) -> None:
        self.start()
        self.wait_until_ready()

    def revive(self) -> None:
        if self.process:
            self.signal(signal.SIGCONT)
        else:
            self.start()

    def terminate(self) -> None:
        if self.process:
            self.signal(signal.SIGCONT)
            self.process.terminate()

    def wait(self) -> None:
        if self.process:
            self.process.wait(20)
            self.process = None

    def is_ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self) -> None:
        wait_for(self.is_ready, f"node ready; its log is {self.storage.with_suffix('.log')}")

    def ask(self, method: str, path: str, body: Any = None, *, status: int | None = 200) -> Any:
        """The result of a request, or the message of its error if another status is expected."""
        response = self.http.request(method, path, json=body)
        assert response.status_code == status, response.text
        answer = response.json()
        return answer["result"] if status == 200 else answer["status"]["error"]

    def create(self, name: str = "docs", size: int = 4, **params: object) -> None:
        factors = {"replication_factor": 3, "write_consistency_factor": 2}
        self.ask("PUT", f"/collections/{name}", {"vectors": {"size": size, "distance": "Cosine"}, **factors, **params})

    def upsert(self, *ids: int | str, name: str = "docs", status: int = 200, **payload: object) -> Any:
        points = [{"id": one, "vector": vector_for(one), "payload": {"n": one, **payload}} for one in ids]
        return self.ask("PUT", f"/collections/{name}/points?wait=true", {"points": points}, status=status)

    def delete(self, *ids: int, name: str = "docs", status: int = 200) -> None:
        self.ask("POST", f"/collections/{name}/points/delete?wait=true", {"points": ids}, status=status)

    def count(self, name: str = "docs") -> int:
        return int(self.ask("POST", f"/collections/{name}/points/count", {"exact": True})["count"])

    def content(self, name: str = "docs") -> dict[Any, Any]:
        """All points of the local replica: payload and vector by id."""
        asked = {"limit": 100_000, "with_payload": True, "with_vector": True}
        points = self.ask("POST", f"/collections/{name}/points/scroll", asked)["points"]
        return {point["id"]: (point["payload"], point["vector"]) for point in points}

    def states(self, name: str = "docs") -> list[str]:
        """The states of all replicas as this node knows them, its own first."""
        said = self.ask("GET", f"/collections/{name}/cluster")
        return [shard["state"] for shard in (*said["local_shards"], *said["remote_shards"])]


def vector_for(one: int | str) -> list[float]:
    """A vector of four numbers that is different for different ids."""
    number = one if isinstance(one, int) else len(one)
    return [1.0, number % 7 / 7, number % 11 / 11, number % 13 / 13]


@contextmanager
def cluster(
    directory: Path, http_ports: list[int], p2p_ports: list[int], relay_ports: list[int]
) -> Iterator[list[Node]]:
    """A running cluster, whose nodes advertise the relays' ports."""
    uris = [f"http://127.0.0.1:{port}" for port in relay_ports]
    nodes = [
        Node(http, p2p, uri, uris[0], directory / str(index), tuple(other for other in uris if other != uri))
        for index, (http, p2p, uri) in enumerate(zip(http_ports, p2p_ports, uris, strict=True))
    ]
    try:
        for node in nodes:
            node.start()
        for node in nodes:
            node.wait_until_ready()
        wait_for(lambda: all(len(n.ask("GET", "/cluster")["peers"]) == len(nodes) for n in nodes), "all nodes know all")
        yield nodes
    finally:
        for node in nodes:
            node.terminate()
        for node in nodes:
            node.wait()
            node.http.close()


def all_active(nodes: list[Node], name: str = "docs") -> bool:
    return all(set(node.states(name)) == {"Active"} for node in nodes)
