import os
from pathlib import Path

import pytest

from services.common.errors import NotFoundError, UnavailableError
from services.rag import documents as module
from services.rag.documents import File, is_text, kind, locate, read, walk
from tests.unit.services.rag.conftest import VISIBLE

FORBIDDEN = [
    "",
    ".",
    "nothing.md",
    "decisions",
    "../outside.md",
    "decisions/../../outside.md",
    "/etc/passwd",
    "//etc/passwd",
    "up/outside.md",
    "out.md",
    "loop.md",
    "loop.md/x",
    "notes.txt/x",
    ".hidden.md",
    ".git/config.md",
    "decisions/../.hidden.md",
    "decisions/../notes.txt",
    "to-hidden.md",
    "a\0b",
    "x" * 5000,
]


@pytest.mark.parametrize("path", FORBIDDEN)
def test_what_is_no_visible_file_below_the_root_does_not_exist(documents: Path, path: str) -> None:
    with pytest.raises(NotFoundError, match="there is no document"):
        locate(documents, path)


def test_an_absolute_path_is_refused_even_below_the_root(documents: Path) -> None:
    with pytest.raises(NotFoundError):
        locate(documents / "decisions", str(documents / "notes.txt"))


def test_a_named_pipe_is_no_document(root: Path) -> None:
    os.mkfifo(root / "pipe.md")
    with pytest.raises(NotFoundError):
        locate(root, "pipe.md")
    assert sorted(file.path for file in walk(root)) == VISIBLE


def test_a_link_that_stays_inside_leads_to_its_file(documents: Path) -> None:
    assert locate(documents, "inside.md") == documents / "notes.txt"


def test_a_file_that_may_not_be_read_does_not_exist(documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "notes.txt")  # root may read everything
    with pytest.raises(NotFoundError):
        locate(documents, "notes.txt")
    assert "notes.txt" not in {file.path for file in walk(documents)}


def test_a_root_that_is_a_link_itself_is_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert locate(tmp_path / "link", "notes.txt") == root / "notes.txt"
    assert {file.path for file in walk(tmp_path / "link")} == set(VISIBLE)


def test_without_the_root_nothing_exists(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        locate(tmp_path / "none", "a.md")
    with pytest.raises(UnavailableError, match="missing"):
        list(walk(tmp_path / "none"))


def test_the_walk_finds_what_is_visible_and_nothing_else(documents: Path) -> None:
    assert sorted(file.path for file in walk(documents)) == VISIBLE


def test_a_file_knows_its_size_and_time(documents: Path) -> None:
    file = next(file for file in walk(documents) if file.path == "notes.txt")
    assert file == File("notes.txt", 37, 86_400_000_000_000)
    assert file.modified == "1970-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    ("path", "name", "media_type", "text"),
    [
        ("a.md", "markdown", "text/markdown", True),
        ("A.HTM", "html", "text/html", True),
        ("a.yml", "yaml", "application/yaml", True),
        ("a.json", "json", "application/json", True),
        ("a.py", "py", "text/x-python", True),
        ("a.pdf", "pdf", "application/pdf", False),
        ("a.png", "png", "image/png", False),
        ("Makefile", "binary", "application/octet-stream", False),
        ("a.md/b", "binary", "application/octet-stream", False),
    ],
)
def test_the_suffix_says_what_a_file_is(path: str, name: str, media_type: str, text: bool) -> None:
    assert (kind(path), is_text(path)) == ((name, media_type), text)


def test_text_is_read_whatever_bytes_it_holds(root: Path) -> None:
    (root / "broken.md").write_bytes(b"a\xffb")
    assert read(root, "broken.md") == "a�b"
    assert read(root, "paper.pdf") is None


def test_a_very_large_text_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TEXT_BYTES", 10)
    (root / "small.md").write_text("x" * 10)
    (root / "large.md").write_text("x" * 11)
    assert (read(root, "small.md"), read(root, "large.md")) == ("x" * 10, None)
