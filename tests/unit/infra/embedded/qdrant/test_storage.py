from contextlib import closing
from pathlib import Path

import pytest

from infra.embedded.qdrant.document import Document
from infra.embedded.qdrant.register import NEVER, Kept
from infra.embedded.qdrant.storage import Storage, StorageInUseError

DOCUMENT = Document("c", 3, {1: "http://one"})


def test_what_a_node_must_remember_is_there_again(tmp_path: Path) -> None:
    with closing(Storage(tmp_path / "node")) as storage:
        assert storage.kept() == Kept()
        assert storage.decided() == (NEVER, None)
        me = storage.peer_id()
        storage.save_kept(Kept((7, 1), (6, 2), DOCUMENT))
        storage.save_decided((6, 2), DOCUMENT)
    with closing(Storage(tmp_path / "node")) as again:
        assert again.peer_id() == me
        assert again.kept() == Kept((7, 1), (6, 2), DOCUMENT)
        assert again.decided() == ((6, 2), DOCUMENT)


def test_two_nodes_cannot_share_a_directory(tmp_path: Path) -> None:
    with closing(Storage(tmp_path)), pytest.raises(StorageInUseError):
        Storage(tmp_path)
