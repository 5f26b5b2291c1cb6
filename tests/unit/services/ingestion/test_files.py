import hashlib
import os
from pathlib import Path

import pytest

from services.ingestion import files
from services.ingestion.files import Folder, FolderMissingError
from services.ingestion.reading.content import UnreadableError


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    (tmp_path / "docs" / "sub" / "a.md").write_text("text")
    return Folder(tmp_path, tmp_path / "docs")


def test_a_file_comes_with_the_hash_of_its_content(folder: Folder) -> None:
    file = folder.load("sub/a.md")
    assert file
    assert (file.data, file.hash) == (b"text", hashlib.sha256(b"text").hexdigest())


@pytest.mark.parametrize("path", ["sub/b.md", "sub/a.md/x.md", "sub", "no/such/folder.md", "sub/picture.png"])
def test_what_is_no_document_is_none(folder: Folder, path: str) -> None:
    (folder.path / "sub" / "picture.png").touch()
    assert folder.load(path) is None


def test_a_file_that_vanishes_while_it_is_opened_is_none(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder.path / "sub" / "a.md"

    def vanish(*_: object) -> Path:
        file.unlink()
        return file

    monkeypatch.setattr("services.common.folder.locate", vanish)
    assert folder.load("sub/a.md") is None


def test_a_file_that_must_not_be_read_fails(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableError, match="cannot be read: Permission denied"):
        folder.load("sub/a.md")


def test_a_folder_that_must_not_be_entered_says_nothing_about_its_files(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = Path.stat

    def refuse(path: Path, **options: bool) -> os.stat_result:
        if path.name == "gone.md":
            raise PermissionError(13, "Permission denied")
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(UnreadableError, match="cannot be read: Permission denied"):
        folder.load("sub/gone.md")


def test_a_document_larger_than_the_limit_fails(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 3)
    with pytest.raises(UnreadableError, match="is larger than"):
        folder.load("sub/a.md")


def test_a_missing_folder_is_no_empty_folder(folder: Folder) -> None:
    folder.path.rename(folder.path.with_name("elsewhere"))
    with pytest.raises(FolderMissingError):
        folder.documents()
    with pytest.raises(FolderMissingError):
        folder.load("sub/a.md")


def test_names_that_cannot_be_recorded_are_left_out(folder: Folder) -> None:
    Path(os.fsdecode(os.fsencode(folder.path) + b"/\xff.md")).touch()
    assert folder.documents() == ["sub/a.md"]
