"""Whether acknowledged writes are kept: elements are added and the whole set is read, as in Jepsen's set-full."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from chaos.checkers.safely import enough, safely
from chaos.record import Finding, Verdict

CHECK = "acknowledged-writes"
SHOWN = 20  # elements of each sort


class Ack(StrEnum):
    """What the writer was told."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # a timeout, say: it may have been written


@dataclass(frozen=True)
class Write:
    """One attempt to write an element; an element may be tried again."""

    element: str
    ended: float
    ack: Ack


@dataclass(frozen=True)
class Read:
    """All elements that one node held; a final read was made after healing, when nothing was written any more."""

    node: str
    started: float
    seen: frozenset[str]
    final: bool = False


@dataclass(frozen=True)
class _Fates:
    """The elements by what became of them. Seconds of staleness count from the acknowledgement."""

    lost: list[str] = field(default_factory=list)  # acknowledged, and on no node in the end
    diverged: list[str] = field(default_factory=list)  # acknowledged, and not on every node in the end
    refused_but_visible: list[str] = field(default_factory=list)
    stale_s: dict[str, float] = field(default_factory=dict)


@safely(CHECK)
def acknowledged_writes(
    writes: Iterable[Write],
    reads: Iterable[Read],
    *,
    stale_s: float,
    refused_may_show: bool = False,
    least: int = 1,
) -> Finding:
    """No acknowledged element is lost or on some nodes only, or hidden from a read `stale_s` after its acknowledgement.

    A refused element must not be there, unless `refused_may_show`: a write that reached one node of three is refused
    and not undone. One whose answer never came may be there or not.
    """
    acked, refused, unknown = _by_ack(writes)
    read = sorted(reads, key=lambda each: each.started)
    final = [each for each in read if each.final]
    enough(len(acked), least, "acknowledged writes")
    enough(len(final), 1, "final reads")
    fates = _fates(acked, refused, read, final)
    stale = {element: seconds for element, seconds in fates.stale_s.items() if seconds > stale_s}
    visible = [] if refused_may_show else fates.refused_but_visible
    bad = {
        "lost": fates.lost,
        "diverged": fates.diverged,
        "too long stale": list(stale),
        "refused but visible": visible,
    }
    said = ", ".join(f"{len(elements)} {what}" for what, elements in bad.items() if elements)
    evidence = {
        "acknowledged": len(acked),
        "refused": len(refused),
        "unknown": len(unknown),
        "lost": fates.lost[:SHOWN],
        "diverged": fates.diverged[:SHOWN],
        "refused_but_visible": fates.refused_but_visible[:SHOWN],
        "stale": len(fates.stale_s),
        "stalest_s": max(fates.stale_s.values(), default=0.0),
        "last_seen_on": {element: _last_seen(element, read) for element in fates.lost[:SHOWN]},
    }
    if any(bad.values()):
        return Finding(CHECK, Verdict.FAILED, f"of {len(acked)} acknowledged: {said}", evidence)
    return Finding(CHECK, Verdict.PASSED, f"all {len(acked)} acknowledged writes are on every node", evidence)


def _by_ack(writes: Iterable[Write]) -> tuple[dict[str, float], set[str], set[str]]:
    """Each acknowledged element with the time; the refused ones; those of which nothing certain was told."""
    acked: dict[str, float] = {}
    told: dict[str, set[Ack]] = {}
    for write in writes:
        told.setdefault(write.element, set()).add(write.ack)
        if write.ack is Ack.ACKNOWLEDGED:
            acked[write.element] = min(write.ended, acked.get(write.element, write.ended))
    refused = {element for element, acks in told.items() if acks == {Ack.REFUSED}}
    return acked, refused, told.keys() - acked.keys() - refused


def _fates(acked: dict[str, float], refused: set[str], reads: Sequence[Read], final: Sequence[Read]) -> _Fates:
    somewhere = frozenset[str]().union(*(read.seen for read in final))
    everywhere = final[0].seen.intersection(*(read.seen for read in final))
    fates = _Fates(refused_but_visible=sorted(refused & somewhere))
    for element, acked_at in sorted(acked.items()):
        if element not in somewhere:
            fates.lost.append(element)
            continue
        if element not in everywhere:
            fates.diverged.append(element)
        missed = [r.started for r in reads if not r.final and r.started > acked_at and element not in r.seen]
        if missed:
            fates.stale_s[element] = max(missed) - acked_at
    return fates


def _last_seen(element: str, reads: Sequence[Read]) -> str | None:
    return next((f"{read.node} at {read.started:.1f} s" for read in reversed(reads) if element in read.seen), None)
