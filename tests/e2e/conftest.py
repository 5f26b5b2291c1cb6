"""One whole stack for every end-to-end test, brought up as `make up` does, with a folder to drop documents into."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra import workspace
from infra.commands import status
from infra.gateway.tokens import mint, secret_name
from infra.settings import PROJECT_ROOT
from infra.targets.local import health, supervisor
from infra.topology import QDRANT_NODES
from tests.stacks import Stack, temporary_stack

GATEWAY_LIMIT = 3000  # a minute and consumer: the tests' own requests stay far below it


@dataclass
class Live:
    """The stack that is up, and a client that speaks to its gateway with a token."""

    stack: Stack
    up: str  # what `breakwater up` printed
    client: httpx.Client
    secrets: dict[str, str]
    ports: dict[str, int]
    inbox: Path

    def token(self, consumer: str = "app", **changes: object) -> str:
        return mint(consumer, self.secrets[secret_name(consumer)], **changes)  # type: ignore[arg-type]

    def search(self, question: str, **parameters: str | int) -> list[dict[str, object]]:
        answer = self.client.get("/api/v1/rag/search", params={"q": question, **parameters})
        assert answer.status_code == 200, answer.text
        results: list[dict[str, object]] = answer.json()["results"]
        return results

    def searches(self) -> bool:
        """Whether a search is answered at this moment."""
        return self.client.get("/api/v1/rag/search", params={"q": "quorum", "limit": 1}).status_code == 200

    def pid(self, component: str) -> int:
        """The component's process, 0 while it has none."""
        return int(supervisor.states(self.stack.paths).get(component, {}).get("pid", 0))

    def serves(self, service: str) -> bool:
        """Whether a service is alive."""
        return health.problem("http", self.ports[f"{service}/http"], "/health") is None

    def unhealthy(self) -> list[str]:
        """The components that are not healthy now, with the reason."""
        return status.unhealthy(self.stack.paths)

    def documents(self, collection: str) -> list[dict[str, object]]:
        """What became of each document."""
        answer = self.client.get(f"/api/v1/collections/{collection}/documents", params={"limit": 1000}).json()
        documents: list[dict[str, object]] = answer["documents"]
        return documents

    def idle(self, collection: str) -> bool:
        """Whether every document in the collection's folder has been dealt with."""
        stats = self.client.get(f"/api/v1/collections/{collection}/stats").json()
        return bool(stats["files"] == stats["documents"] and not stats["open_jobs"])

    def node(self, node: str, path: str, body: object = None) -> Any:
        """What a vector node itself answers."""
        url = f"http://127.0.0.1:{self.ports[f'{node}/http']}{path}"
        answer = httpx.post(url, json=body) if body is not None else httpx.get(url)
        return answer.json()["result"]

    def counts(self) -> dict[str, int]:
        """The points of the collections at each node."""
        names = ("docs", "inbox")
        return {
            node: sum(self.node(node, f"/collections/{name}/points/count", {"exact": True})["count"] for name in names)
            for node in QDRANT_NODES
        }

    def active(self) -> bool:
        """Whether every node calls every replica active."""
        states = [
            shard["state"]
            for node in QDRANT_NODES
            for shards in (self.node(node, "/collections/inbox/cluster"),)
            for shard in (*shards["local_shards"], *shards["remote_shards"])
        ]
        return states == ["Active"] * 9

    def payloads(self, collection: str) -> list[dict[str, Any]]:
        """The payload of every point."""
        wanted = {"limit": 10_000, "with_payload": True, "with_vector": False}
        return [
            p["payload"] for p in self.node("qdrant-0", f"/collections/{collection}/points/scroll", wanted)["points"]
        ]


def eventually(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Seconds until `condition` holds; fails after `seconds`. A connection that breaks is a condition that does not."""
    started = time.monotonic()
    while not _holds(condition):
        assert time.monotonic() - started < seconds, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - started


def _holds(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    data = Path(tempfile.mkdtemp(prefix="bw-data-"))
    inbox = data / "inbox"
    inbox.mkdir()
    shutil.copytree(PROJECT_ROOT / "docs", data / "docs")
    collections = json.loads((PROJECT_ROOT / "collections-config.json").read_text())
    (docs,) = collections["collections"]
    collections["collections"].append({**docs, "name": "inbox", "directory": "inbox"})
    (data / "collections-config.json").write_text(json.dumps(collections))
    settings = {
        "collectionsFile": str(data / "collections-config.json"),
        "dataRoot": str(data),
        "consumers": ["app", "other", "burst"],
        "rateLimitMinute": GATEWAY_LIMIT,
        "rateLimitHour": GATEWAY_LIMIT,
    }
    try:
        with temporary_stack(**settings) as stack, pytest.MonkeyPatch.context() as patch:
            up = stack.breakwater("up")
            assert up.returncode == 0, up.stdout + up.stderr
            patch.setenv("BREAKWATER_HOME", str(stack.home))
            outputs = workspace.outputs(stack.name)
            token = mint("app", outputs["secrets"][secret_name("app")])
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=outputs["gateway"], headers=headers, timeout=20) as client:
                yield Live(stack, up.stdout, client, outputs["secrets"], outputs["ports"], inbox)
    finally:
        shutil.rmtree(data)
