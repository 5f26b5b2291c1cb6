import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.errors import UnavailableError
from services.rag.index import FRESH_S, Index
from tests.servers import Clock
from tests.unit.services.rag.conftest import VISIBLE


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def index(documents: Path) -> Iterator[Index]:
    """Of the folder that nobody changes."""
    index = Index(documents)
    yield index
    index.close()


@pytest.fixture
def changing(root: Path, clock: Clock) -> Iterator[Index]:
    """Of a folder that the test may change, by a clock that it may move."""
    index = Index(root, clock=clock)
    yield index
    index.close()


def paths(index: Index) -> list[str]:
    return [document["path"] for document in index.page(0, 100)[1]]


def found(index: Index, words: str) -> list[str]:
    return [document["path"] for document in index.search(words, 10)]


def test_the_list_is_by_path_with_what_is_known_of_each(index: Index) -> None:
    total, documents = index.page(0, 100)
    assert (total, [document["path"] for document in documents]) == (7, VISIBLE)
    assert documents[2] == {
        "path": "notes.txt",
        "title": "First line",
        "size": 37,
        "modified": "1970-01-02T00:00:00+00:00",
        "format": "text",
    }


def test_a_page_is_a_part_of_the_list(index: Index) -> None:
    total, documents = index.page(2, 3)
    assert (total, [document["path"] for document in documents]) == (7, VISIBLE[2:5])
    assert index.page(7, 3) == (7, [])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("portOffset", {"notes.txt", "inside.md"}),
        ("PORTOFFSET", {"notes.txt", "inside.md"}),
        ("grosse", set()),
        ("größe", {"Ünïcode name.md"}),
        ("groBe", set()),
        ("visible word", {"page.html"}),
        ("style", set()),
        ("paper", {"paper.pdf"}),
        ("secret", set()),
        ("hidden", set()),
        ("three majority", {"vector-cluster.md"}),
        ("majority unheard-of", {"vector-cluster.md"}),
        ("unheard-of", set()),
    ],
)
def test_words_are_found_in_texts_titles_and_names(index: Index, words: str, expected: set[str]) -> None:
    assert set(found(index, words)) == expected


@pytest.mark.parametrize(
    "words", ['"', 'a"b', '"a b"', '""', "*", "AND", "NOT x", "a OR", "(", "col:x", "-", "^", "NEAR(", "'; DROP", "…"]
)
def test_no_words_are_taken_for_an_expression(index: Index, words: str) -> None:
    index.search(words, 10)
    assert found(index, "majority") == ["vector-cluster.md"]


def test_the_best_is_first_and_shows_where_the_words_are(index: Index) -> None:
    best, *_ = index.search("quorum agree", 10)
    assert (best["path"], best["title"], best["format"]) == ("decisions/quorum.md", "Quorum", "markdown")
    assert "Why two of three nodes must agree." in best["snippet"]
    assert best["score"] > 0
    scores = [document["score"] for document in index.search("nodes agree", 10)]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    assert len(index.search("nodes agree", 1)) == 1


def test_changes_are_seen_when_the_last_look_is_a_second_old(changing: Index, root: Path, clock: Clock) -> None:
    assert found(changing, "majority") == ["vector-cluster.md"]
    (root / "vector-cluster.md").write_text("# The vector cluster\n\nUnanimity.\n")
    (root / "new.md").write_text("# New\n\nmajority")
    (root / "notes.txt").unlink()
    clock.now += FRESH_S - 0.01
    assert (found(changing, "unanimity"), "new.md" in paths(changing)) == ([], False)
    clock.now += 0.01
    assert found(changing, "unanimity") == ["vector-cluster.md"]
    assert found(changing, "majority") == ["new.md"]
    assert [path for path in VISIBLE if path not in paths(changing)] == ["inside.md", "notes.txt"]
    assert changing.page(0, 1)[0] == len(paths(changing)) == 6


def test_a_change_of_the_same_second_and_size_is_seen(changing: Index, root: Path, clock: Clock) -> None:
    os.utime(root / "page.html", ns=(1, 1))
    found(changing, "visible")
    text = (root / "page.html").read_text()
    (root / "page.html").write_text(text.replace("Visible", "Changed"))
    os.utime(root / "page.html", ns=(1, 2))
    clock.now += FRESH_S
    assert (found(changing, "visible"), found(changing, "changed")) == ([], ["page.html"])


def test_a_folder_that_is_away_is_unavailable_and_comes_back(changing: Index, root: Path, clock: Clock) -> None:
    assert paths(changing) == VISIBLE
    moved = shutil.move(root, root.with_name("moved"))
    clock.now += FRESH_S
    for _ in range(2):
        with pytest.raises(UnavailableError):
            changing.page(0, 1)
    shutil.move(moved, root)
    assert paths(changing) == VISIBLE


def test_a_file_that_cannot_be_read_is_left_out_until_it_can(changing: Index, root: Path, clock: Clock) -> None:
    (root / "odd.md").write_text("# Odd")
    unreadable: set[str] = {"odd.md"}
    original = Path.read_text

    def read_text(self: Path, *args: str, **named: str) -> str:
        if self.name in unreadable:
            raise PermissionError(self.name)
        return original(self, *args, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "read_text", read_text)  # tests may run as root, whom no permission stops
        assert "odd.md" not in paths(changing)
        unreadable.clear()
        clock.now += FRESH_S
        assert "odd.md" in paths(changing)


def test_a_look_that_fails_halfway_leaves_what_was_known(
    changing: Index, root: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert paths(changing) == VISIBLE
    for name in ("a.md", "b.md", "notes.txt"):
        (root / name).write_text("# Quorum")

    def fails(path: str, text: str | None) -> str:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr("services.rag.index.readable", fails)
        clock.now += FRESH_S
        with pytest.raises(sqlite3.OperationalError):
            changing.page(0, 1)
    assert paths(changing) == ["a.md", "b.md", *VISIBLE]
    assert set(found(changing, "Quorum")) == {"a.md", "b.md", "notes.txt", "inside.md", "decisions/quorum.md"}


def test_threads_take_turns(documents: Path) -> None:
    index = Index(documents, clock=lambda: float(threading.get_ident()))
    seen: list[int] = []

    def ask() -> None:
        seen.extend(len(index.search("agree", 10)) + index.page(0, 1)[0] for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index.close()
    assert seen == [2 + 7] * 20
