"""Drift, put into a running stack by hand, as a person or an accident would."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from infra.drift.inspection import Inspected
from infra.probes import redis
from infra.probes.http import ask
from infra.targets.local import health, supervisor
from infra.targets.local.launch import STARTS
from infra.targets.local.paths import StackPaths

SOON_S = 10.0
CLUSTER = "_replication"
"""A collection that is always there."""
FACTORS = {"replication_factor": 3, "write_consistency_factor": 2}

Place = tuple[str, str, str]
"""Where drift has to be told: the component, the kind, the thing."""
PERSONAL = {
    ("qdrant-0", "collection unknown", "stranger"),
    ("timescaledb", "column", "rag.collections.chunk_tokens"),
    ("timescaledb", "unknown table", "rag.stranger"),
}
"""What a repair has to leave alone."""
CRASHED = ("redis", "crashing", "")
"""What passes with time."""


class Seeds:
    """What can be done to a stack."""

    def __init__(self, paths: StackPaths, stack: Inspected) -> None:
        self.paths, self.stack = paths, stack

    def stop(self, component: str) -> None:
        supervisor.call(self.paths, "stopProcess", component)

    def remove(self, component: str) -> None:
        supervisor.remove(self.paths, component)

    def add(self, component: str) -> None:
        specification = {"command": ["/bin/sleep", "600"], "environment": {}}
        folder = self.paths.run(component)
        folder.mkdir()
        (folder / "program.json").write_text(json.dumps(specification))
        supervisor.put(self.paths, component, stop_signal="KILL")

    def kill(self, component: str, times: int) -> None:
        """Kill it as often as it comes up again."""
        starts = self.paths.run(component) / STARTS
        for _ in range(times):
            before = len(starts.read_text().splitlines())
            os.kill(supervisor.pids(self.paths)[component], signal.SIGKILL)
            eventually(partial(_is_longer, starts, before))
        check = json.loads((self.paths.run(component) / "program.json").read_text())["health"]
        eventually(lambda: health.problem(check["kind"], int(check["port"]), check["path"]) is None)

    def pause(self, component: str) -> None:
        psutil.Process(supervisor.pids(self.paths)[component]).suspend()

    @contextmanager
    def specified(self, component: str) -> Iterator[dict[str, Any]]:
        """The document from which the component is started next, to be changed."""
        file = self.paths.run(component) / "program.json"
        document = json.loads(file.read_text())
        yield document
        file.write_text(json.dumps(document, indent=2))

    def start_otherwise(self, component: str, *arguments: str, **environment: str) -> None:
        """Start it with other arguments and variables, and leave no trace of it in its files."""
        file = self.paths.run(component) / "program.json"
        right = file.read_text()
        with self.specified(component) as document:
            document["command"] += arguments
            document["environment"] |= environment
        supervisor.call(self.paths, "stopProcess", component)
        supervisor.call(self.paths, "startProcess", component)
        file.write_text(right)

    def write(self, component: str, name: str, change: Callable[[str], str]) -> None:
        file = self.paths.run(component) / name
        file.write_text(change(file.read_text()))

    def have_envoy_read(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Have Envoy go by another file of that name than the one that lies there."""
        file = self.paths.run("kong") / name
        right = file.read_text()
        document = json.loads(right)
        change(document)
        document["version_info"] = "by hand"
        moved = file.with_name(".by-hand")
        moved.write_text(json.dumps(document))
        moved.replace(file)
        admin = self.stack.url("kong", "admin")
        eventually(lambda: "by hand" in json.dumps(ask(f"{admin}/config_dump")))
        file.write_text(right)  # in place, which Envoy does not notice

    def toxiproxy(self, method: str, path: str, body: object = None) -> None:
        ask(f"{self.stack.url('toxiproxy')}{path}", method=method, body=body)

    def qdrant(self, method: str, path: str, body: object = None) -> Any:
        return self.stack.nodes[0].ask(method, path, body)

    def redis(self, name: str, value: str) -> None:
        redis.repair(self.stack.port("redis", "redis"), {name: value})

    def database(self, statement: str) -> None:
        with self.stack.login.connect() as connection:
            connection.execute(statement.encode())

    def by_hand(self) -> None:
        """What the table says of what only a person repairs."""
        self.qdrant("DELETE", "/collections/stranger")
        self.database("DROP TABLE rag.stranger")
        self.database("ALTER TABLE rag.collections ALTER chunk_tokens SET DEFAULT 256")


def _is_longer(file: Path, before: int) -> bool:
    return len(file.read_text().splitlines()) > before


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def of_components(seeds: Seeds) -> set[Place]:
    """In what runs, and in the files that it is started by."""
    seeds.start_otherwise("ollama", "--host", "127.0.0.1", COLOUR="blue")
    seeds.write("timescaledb", "database_password", lambda text: text + "\n")
    seeds.write("ingestion", "inter_service_secret", lambda text: text + "\n")
    seeds.pause("ingestion")
    seeds.remove("rag-service")
    seeds.stop("collections")
    seeds.add("stranger")
    seeds.kill("redis", 3)
    with seeds.specified("query") as query, seeds.specified("qdrant-1") as qdrant:
        query["implementation"]["version"] = "0.0.1"
        qdrant["source"] = "0123456789abcdef"
    with seeds.specified("timescaledb") as timescaledb:
        timescaledb["stopSignal"] = "KILL"
    return {
        ("ollama", "command", ""),
        ("ollama", "environment", "COLOUR"),
        ("timescaledb", "file", "database_password"),
        ("ingestion", "live file", "inter_service_secret"),
        ("ingestion", "paused", ""),
        ("rag-service", "missing", ""),
        ("collections", "stopped", ""),
        ("stranger", "extra", ""),
        ("redis", "crashing", ""),
        ("query", "version", ""),
        ("qdrant-1", "source", ""),
        ("timescaledb", "specification", "stopSignal"),
    }


def of_the_ways(seeds: Seeds) -> set[Place]:
    """At Toxiproxy, and in what the gateway goes by."""
    stranger = {"name": "stranger", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "enabled": True}
    latency = {"name": "slow", "type": "latency", "stream": "upstream", "attributes": {"latency": 1}}
    seeds.toxiproxy("DELETE", "/proxies/query->redis")
    seeds.toxiproxy("POST", "/proxies", stranger)
    seeds.toxiproxy("POST", "/proxies/rag-service->query", {"enabled": False})
    seeds.toxiproxy("POST", "/proxies/kong->ingestion", {"upstream": "127.0.0.1:1"})
    seeds.toxiproxy("POST", "/proxies/kong->query/toxics", latency)

    def with_stranger(document: dict[str, Any]) -> None:
        (known,) = document["resources"]
        known["typed_config"]["providers"]["stranger"] = known["typed_config"]["providers"]["app"]

    seeds.have_envoy_read("jwt.json", with_stranger)
    return {
        ("toxiproxy", "proxy missing", "query->redis"),
        ("toxiproxy", "proxy extra", "stranger"),
        ("toxiproxy", "proxy disabled", "rag-service->query"),
        ("toxiproxy", "upstream", "kong->ingestion"),
        ("toxiproxy", "toxic", "kong->query slow"),
        ("kong", "gateway", "jwt.json"),
        ("kong", "consumer", "stranger"),
    }


def of_the_data(seeds: Seeds) -> set[Place]:
    """In what is kept, and how."""
    seeds.redis("maxmemory-policy", "noeviction")
    seeds.database("DROP INDEX rag.query_log_asked_at")
    seeds.database("CREATE TABLE rag.stranger (name text)")
    seeds.database("ALTER TABLE rag.collections ALTER chunk_tokens SET DEFAULT 128")
    seeds.database("INSERT INTO rag.collections VALUES ('lost', 'docs', 'all-minilm')")
    seeds.database("INSERT INTO rag.documents (collection, path, status, chunks) VALUES ('lost', 'a', 'indexed', 1)")
    seeds.qdrant("PUT", "/collections/stranger", {"vectors": {"size": 1, "distance": "Dot"}, **FACTORS})
    peers = seeds.qdrant("GET", f"/collections/{CLUSTER}/cluster")["remote_shards"]
    seeds.qdrant("PATCH", f"/collections/{CLUSTER}", {"params": {"write_consistency_factor": 1}})
    dropped = {"shard_id": 0, "peer_id": peers[0]["peer_id"]}
    seeds.qdrant("POST", f"/collections/{CLUSTER}/cluster", {"drop_replica": dropped})
    return {
        ("redis", "redis setting", "maxmemory-policy"),
        ("timescaledb", "index", "rag.query_log_asked_at"),
        ("timescaledb", "unknown table", "rag.stranger"),
        ("timescaledb", "column", "rag.collections.chunk_tokens"),
        ("qdrant-0", "collection lost", "lost"),
        ("qdrant-0", "collection unknown", "stranger"),
        ("qdrant-0", "factors", CLUSTER),
        ("qdrant-0", "replica", CLUSTER),
    }
