"""One whole stack for every end-to-end test, brought up as `make up` does, with a folder to drop documents into."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from infra import workspace
from infra.gateway.tokens import mint, secret_name
from infra.settings import PROJECT_ROOT
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

    def search(self, question: str, **parameters: object) -> list[dict[str, object]]:
        answer = self.client.get("/api/v1/rag/search", params={"q": question, **parameters})
        assert answer.status_code == 200, answer.text
        results: list[dict[str, object]] = answer.json()["results"]
        return results


def eventually(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Seconds until `condition` holds; fails after `seconds`."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - started


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
