from pathlib import Path

import pytest

from services.common.errors import InvalidRequestError, NotFoundError
from services.common.folder import directory, documents, format_of, locate


@pytest.mark.parametrize(
    ("path", "format_"),
    [
        ("a.md", "markdown"),
        ("A.MARKDOWN", "markdown"),
        ("deep/er/b.HTM", "html"),
        ("c.pdf", "pdf"),
        ("d.docx", "docx"),
        ("e.txt", "text"),
        ("f.py", "code"),
        ("picture.png", None),
        ("no-suffix", None),
        (".hidden.md", None),
        (".git/a.md", None),
        ("a.md~", None),
        (".a.md.swp", None),
        ("a.md.tmp", None),
        ("#a.md#", None),
        ("caf\udce9.md", None),
        (f"{'deep/' * 205}a.md", None),
    ],
)
def test_a_documents_format_is_told_by_its_name(path: str, format_: str | None) -> None:
    assert format_of(path) == format_


@pytest.mark.parametrize("relative", ["..", "../other", "/etc", "a/../../b", "a\0b"])
def test_a_directory_outside_of_the_data_root_is_refused(tmp_path: Path, relative: str) -> None:
    with pytest.raises(InvalidRequestError, match="leads out of the data root"):
        directory(tmp_path / "data", relative)


def test_a_directory_that_is_a_link_out_of_the_data_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/link").symlink_to(tmp_path)
    with pytest.raises(InvalidRequestError):
        directory(tmp_path / "data", "link")


def test_the_data_root_itself_may_be_a_collections_directory(tmp_path: Path) -> None:
    assert directory(tmp_path, ".") == tmp_path.resolve()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = (tmp_path / "data/docs").resolve()
    (top / "sub").mkdir(parents=True)
    for name in ("a.md", "sub/b.txt", "picture.png", ".hidden.md"):
        (top / name).write_text(name)
    (tmp_path / "secret.md").write_text("secret")
    (top / "out.md").symlink_to(tmp_path / "secret.md")
    (tmp_path / "data/shared.md").write_text("shared")
    (top / "in.md").symlink_to(tmp_path / "data/shared.md")
    (top / "loop.md").symlink_to(top / "loop.md")
    (top / ".git").mkdir()
    (top / ".git/c.md").write_text("c")
    return top


def test_a_folders_documents_are_its_readable_files_and_links_within_the_data_root(folder: Path) -> None:
    assert set(documents(folder.parent, folder)) == {"a.md", "sub/b.txt", "in.md"}


def test_a_missing_folder_has_no_documents(tmp_path: Path) -> None:
    assert list(documents(tmp_path, tmp_path / "none")) == []


@pytest.mark.parametrize(
    "path",
    [
        "none.md",
        "../shared.md",
        "../../secret.md",
        "out.md",
        "loop.md",
        "sub",
        "a\0.md",
        "x" * 5000 + ".md",
        "picture.png",
    ],
)
def test_what_is_no_document_of_the_folder_is_not_found(folder: Path, path: str) -> None:
    with pytest.raises(NotFoundError, match="there is no document"):
        locate(folder.parent, folder, path)


def test_a_document_is_located_behind_its_link(folder: Path) -> None:
    assert locate(folder.parent, folder, "in.md") == folder.parent / "shared.md"
    assert locate(folder.parent, folder, "sub/b.txt") == folder / "sub/b.txt"
