import pytest

from chaos.nearest import nearest

POINTS = {"east": [2.0, 0.0], "north": [0.0, 1.0], "north-east": [1.0, 1.0], "west": [-1.0, 0.0]}


def test_the_nearest_come_first_whatever_the_vectors_length() -> None:
    assert nearest(POINTS, [3.0, 1.0]) == ["east", "north-east", "north", "west"]


def test_no_more_than_wanted() -> None:
    assert nearest(POINTS, [0.0, 5.0], limit=2) == ["north", "north-east"]


def test_nothing_is_near_where_there_is_nothing() -> None:
    with pytest.raises(ValueError, match="no points"):
        nearest({}, [1.0])
