import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from multidict import CIMultiDictProxy

from services.rag.main import build
from services.rag.settings import RagSettings
from tests.servers import Upstream, client, says, upstream

HTML = "<html><head><title> The\n page </title><style>p {}</style></head><body><p>Visible <b>word</b></p></body></html>"


def write_documents(root: Path) -> Path:
    """A folder of documents, with things beside and inside it that are nobody's business."""
    (root / "decisions").mkdir(parents=True)
    (root / ".git").mkdir()
    files = {
        "vector-cluster.md": "# The vector cluster\n\nThree nodes agree by majority.\n",
        "decisions/quorum.md": "Intro\n\n# Quorum #\n\nWhy two of three nodes must agree.\n",
        "notes.txt": "\n First line\nportOffset is a setting\n",
        "page.html": HTML,
        "Ünïcode name.md": "# Größe\n",
        ".hidden.md": "# Hidden secret",
        ".git/config.md": "# Hidden secret",
        os.fsdecode(b"odd-\xff.md"): "# A name that is no text",
    }
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    os.utime(root / "notes.txt", (86400, 86400))
    (root / "paper.pdf").write_bytes(b"%PDF-1.4 \xff\xfe portOffset")
    (root.parent / "outside.md").write_text("# Outside secret")
    (root / "out.md").symlink_to(root.parent / "outside.md")
    (root / "inside.md").symlink_to(root / "notes.txt")
    (root / "to-hidden.md").symlink_to(root / ".hidden.md")
    (root / "loop.md").symlink_to(root / "loop.md")
    (root / "up").symlink_to(root.parent)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of documents that the test may change."""
    return write_documents(tmp_path / "docs")


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of documents that nobody changes."""
    return write_documents(tmp_path_factory.mktemp("rag") / "docs")


VISIBLE = [
    "decisions/quorum.md",
    "inside.md",
    "notes.txt",
    "page.html",
    "paper.pdf",
    "vector-cluster.md",
    "Ünïcode name.md",
]


@dataclass
class Service:
    """rag-service over a stand-in of query."""

    query: Upstream
    app: FastAPI
    http: httpx.AsyncClient

    def asked(self) -> list[tuple[str, str, Any]]:
        """What query was asked, apart from whether it lives."""
        return [asked for asked in self.query.asked if asked[1] != "/health"]

    def headers(self) -> CIMultiDictProxy[str]:
        """The headers of the only thing that query was asked."""
        (headers,) = (h for h, a in zip(self.query.headers, self.query.asked, strict=True) if a[1] != "/health")
        return headers


@pytest.fixture
async def service(documents: Path) -> AsyncIterator[Service]:
    async with upstream(says({"status": "ok"})) as query:
        told = {"inter_service_secret": "s", "docs_root": documents, "query_url": query.url + "/"}
        app = build(RagSettings.model_validate(told))
        async with client(app) as http:
            yield Service(query, app, http)
