"""The node's own files beside its shards: who it is, what it promised, and what it knows to be decided."""

import fcntl
import os
import secrets
from pathlib import Path
from typing import Any

import orjson

from infra.embedded.qdrant.acceptors import read_ballot, read_kept
from infra.embedded.qdrant.document import Document, read_document
from infra.embedded.qdrant.register import NEVER, Ballot, Kept


class StorageInUseError(Exception):
    """Another node runs on the directory."""


class Storage:
    """A node's directory; each file is replaced as a whole, and is on disk before a call returns."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._lock = (directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise StorageInUseError(f"another node runs on {directory}") from None
        self.collections = directory / "collections"
        self.collections.mkdir(exist_ok=True)

    def close(self) -> None:
        """Let another node have the directory."""
        self._lock.close()

    def peer_id(self) -> int:
        """This node's id, drawn when it starts for the first time: 53 bits, as Qdrant's."""
        if (found := self._read("peer")) is None:
            found = secrets.randbits(53)
            self._write("peer", found)
        return int(found)

    def kept(self) -> Kept[Document]:
        """What the node's acceptor remembers."""
        found = self._read("register")
        return read_kept(found) if found else Kept()

    def save_kept(self, kept: Kept[Document]) -> None:
        self._write("register", kept)

    def decided(self) -> tuple[Ballot, Document | None]:
        """The newest document that the node knows to be decided."""
        found = self._read("decided")
        return (read_ballot(found["ballot"]), read_document(found["document"])) if found else (NEVER, None)

    def save_decided(self, ballot: Ballot, document: Document) -> None:
        self._write("decided", {"ballot": ballot, "document": document})

    def _read(self, name: str) -> Any:
        path = self._directory / f"{name}.json"
        return orjson.loads(path.read_bytes()) if path.exists() else None

    def _write(self, name: str, value: Any) -> None:
        path, written = (self._directory / f"{name}.{suffix}" for suffix in ("json", "new"))
        with written.open("wb") as file:
            file.write(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)  # the name is durable only with its directory
        finally:
            os.close(directory)
