import pytest

from chaos.checkers.writes import Ack, Read, Write, acknowledged_writes
from chaos.record import Finding, Verdict

NODES = ("n0", "n1", "n2")


def written(element: str, ended: float = 1.0, ack: Ack = Ack.ACKNOWLEDGED) -> Write:
    return Write(element, ended, ack)


def read(node: str, at: float, *seen: str) -> Read:
    return Read(node, at, frozenset(seen))


def finals(*seen: str) -> list[Read]:
    return [Read(node, 100.0, frozenset(seen), final=True) for node in NODES]


def judged(writes: list[Write], reads: list[Read], *, refused_may_show: bool = False) -> Finding:
    return acknowledged_writes(writes, reads, stale_s=5, refused_may_show=refused_may_show)


def test_writes_that_all_nodes_have_in_the_end_are_kept() -> None:
    finding = judged([written("a"), written("b")], [read("n0", 2.0, "a", "b"), *finals("a", "b")])
    assert (finding.verdict, finding.evidence["acknowledged"]) == (Verdict.PASSED, 2)


def test_an_acknowledged_write_that_is_nowhere_is_lost() -> None:
    finding = judged([written("a"), written("b")], finals("a"))
    assert (finding.verdict, finding.evidence["lost"]) == (Verdict.FAILED, ["b"])


def test_a_write_that_one_node_had_and_lost_is_lost_and_it_is_said_where_it_was() -> None:
    finding = judged([written("a"), written("b", 3.0)], [read("n0", 4.0, "a", "b"), read("n1", 4.0, "a"), *finals("a")])
    assert (finding.verdict, finding.evidence["last_seen_on"]) == (Verdict.FAILED, {"b": "n0 at 4.0 s"})


def test_a_write_that_not_all_nodes_have_in_the_end_has_diverged() -> None:
    finding = judged([written("a")], [*finals("a")[:2], Read("n2", 100.0, frozenset(), final=True)])
    assert (finding.verdict, finding.evidence["diverged"]) == (Verdict.FAILED, ["a"])


def test_a_refused_write_that_shows_is_a_fault_unless_it_is_known_to_happen() -> None:
    writes = [written("a"), written("r", ack=Ack.REFUSED)]
    assert judged(writes, finals("a")).verdict is Verdict.PASSED
    assert judged(writes, finals("a", "r")).verdict is Verdict.FAILED
    allowed = judged(writes, finals("a", "r"), refused_may_show=True)
    assert (allowed.verdict, allowed.evidence["refused_but_visible"]) == (Verdict.PASSED, ["r"])


@pytest.mark.parametrize("seen", [("a",), ("a", "u")])
def test_a_write_of_which_nothing_was_told_may_be_there_or_not(seen: tuple[str, ...]) -> None:
    finding = judged([written("a"), written("u", ack=Ack.UNKNOWN)], finals(*seen))
    assert (finding.verdict, finding.evidence["unknown"]) == (Verdict.PASSED, 1)


def test_a_write_refused_first_and_then_acknowledged_counts_as_acknowledged() -> None:
    writes = [written("a", 1.0, Ack.REFUSED), written("a", 2.0)]
    assert judged(writes, finals("a")).verdict is Verdict.PASSED
    assert judged(writes, finals()).evidence["lost"] == ["a"]


def test_a_write_refused_first_and_unknown_then_is_unknown() -> None:
    writes = [written("b"), written("a", 1.0, Ack.REFUSED), written("a", 2.0, Ack.UNKNOWN)]
    assert judged(writes, finals("a", "b")).verdict is Verdict.PASSED


@pytest.mark.parametrize(("missed_at", "verdict"), [(5.9, Verdict.PASSED), (6.5, Verdict.FAILED)])
def test_a_write_may_be_hidden_for_a_while_only(missed_at: float, verdict: Verdict) -> None:
    finding = judged([written("a", 1.0)], [read("n2", 0.5), read("n2", missed_at), read("n2", 9.0, "a"), *finals("a")])
    assert (finding.verdict, finding.evidence["stalest_s"]) == (verdict, pytest.approx(missed_at - 1.0))


@pytest.mark.parametrize(
    ("writes", "reads"),
    [([], []), ([], finals()), ([written("a")], []), ([written("a")], [read("n0", 2.0, "a")])],
)
def test_without_acknowledged_writes_or_final_reads_nothing_is_known(writes: list[Write], reads: list[Read]) -> None:
    assert judged(writes, reads).verdict is Verdict.UNKNOWN
