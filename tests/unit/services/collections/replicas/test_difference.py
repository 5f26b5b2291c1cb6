import pytest

from services.collections.replicas.difference import Difference, Digest, Fault, digest, order
from services.collections.replicas.node import Held, Id


def difference(*held: Digest, replicas: int = 3) -> Difference:
    return Difference(1, "a.md", {f"n{place}": value for place, value in enumerate(held)}, replicas)


@pytest.mark.parametrize(
    ("held", "truth", "faults"),
    [
        (("a", "a", None), "a", {"n2": "missing"}),
        ((None, "a", None), None, {"n1": "extra"}),
        (("a", "b", "b"), "b", {"n0": "different"}),
    ],
)
def test_the_majority_is_right(held: tuple[Digest, ...], truth: Digest, faults: dict[str, Fault]) -> None:
    found = difference(*held)
    assert found.decided
    assert (found.truth, found.faults) == (truth, faults)


@pytest.mark.parametrize("held", [("a", "b", None), ("a", "b"), (None, "a")])
def test_without_a_majority_of_all_replicas_nobody_is_right(held: tuple[Digest, ...]) -> None:
    found = difference(*held)
    assert not found.decided
    assert set(found.faults.values()) == {"undecided"}
    assert found.faults.keys() == found.held.keys()


def test_contents_differ_by_any_value_and_its_type_but_not_by_the_order_of_keys() -> None:
    point = Held(1, [0.5, 0.25], {"a": 1, "b": {"c": 2, "d": 3}})
    assert digest(point) == digest(Held(1, [0.5, 0.25], {"b": {"d": 3, "c": 2}, "a": 1}))
    others = [
        Held(1, [0.5, 0.2500001], point.payload),
        Held(1, [0.5, 0.25], {"a": 1.0, "b": {"c": 2, "d": 3}}),
        Held(1, [0.5, 0.25], {"a": 1}),
    ]
    assert digest(point) not in {digest(other) for other in others}
    assert digest(None) is None


def test_ids_are_in_the_order_of_a_vector_node() -> None:
    ids: list[Id] = ["0a000000-0000-0000-0000-000000000000", 10, "01000000-0000-0000-0000-000000000000", 9]
    assert sorted(ids, key=order) == [9, 10, ids[2], ids[0]]
