from collections import Counter

from loadtests.mix import OPERATIONS, WHOLE, pattern


def test_the_weights_make_a_whole() -> None:
    assert sum(operation.weight for operation in OPERATIONS) == WHOLE


def test_the_reads_are_asked_by_their_weights() -> None:
    asked = Counter(pattern("reads"))
    assert [asked[number] for number in range(len(OPERATIONS))] == [operation.weight for operation in OPERATIONS]


def test_no_stretch_of_the_reads_is_without_rare_requests_for_long() -> None:
    first = Counter(pattern("reads")[:1000])
    assert 900 < first[0] < 970
    assert len(first) >= 6


def test_the_even_mix_asks_every_operation_alike() -> None:
    assert pattern("even") == list(range(len(OPERATIONS)))


def test_most_requests_are_searches_that_the_cache_knows() -> None:
    known = sum(operation.weight for operation in OPERATIONS if operation.cached and operation.name == "search")
    assert known / WHOLE >= 0.9


def test_every_operation_says_why_it_has_its_share() -> None:
    assert all(operation.why.endswith(".") for operation in OPERATIONS)


def test_all_goes_through_public_paths() -> None:
    assert all(form.path.startswith("/api/v1/") for operation in OPERATIONS for form in operation.forms)
