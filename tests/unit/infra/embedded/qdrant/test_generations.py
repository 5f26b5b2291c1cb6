from pathlib import Path

import pytest

from infra.embedded.qdrant import generations


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    first = generations.following(tmp_path)
    first.mkdir()
    generations.adopt(tmp_path, first)
    return tmp_path


def test_files_are_in_use_from_when_they_are_adopted(directory: Path) -> None:
    first, second = generations.current(directory), generations.following(directory)
    assert second not in (first, generations.following(directory))
    second.mkdir()
    assert generations.current(directory) == first
    generations.adopt(directory, second)
    assert generations.current(directory) == second


def test_what_is_not_in_use_is_removed(directory: Path) -> None:
    used = generations.current(directory)
    assert used
    (generations.following(directory) / "segments").mkdir(parents=True)
    (directory / "complete.new").touch()
    generations.tidy(directory)
    assert sorted(directory.iterdir()) == [directory / "complete", used]


def test_files_of_an_earlier_release_lie_beside_the_mark(tmp_path: Path) -> None:
    (tmp_path / "complete").touch()
    (tmp_path / "segments").mkdir()
    assert generations.current(tmp_path) == tmp_path
    generations.following(tmp_path).mkdir()
    generations.tidy(tmp_path)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "complete", tmp_path / "segments"]
    used = generations.following(tmp_path)
    used.mkdir()
    generations.adopt(tmp_path, used)
    generations.tidy(tmp_path)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "complete", used]


def test_a_creation_that_was_cut_short_left_nothing_in_use(tmp_path: Path) -> None:
    directory = tmp_path / "u"
    (generations.following(directory) / "segments").mkdir(parents=True)
    assert generations.current(directory) is None
    generations.tidy(directory)
    assert not directory.exists()
