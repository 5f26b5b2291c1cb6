"""What the service answers about replicas: totals, and the first of what may be many."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, Field

from services.collections.replicas.check import Comparison
from services.collections.replicas.difference import Difference, Fault
from services.collections.replicas.node import Id
from services.collections.replicas.reading import Replica
from services.collections.replicas.repair import Repair

SHOWN = 100  # differences, and documents


class ReplicaReport(BaseModel):
    """One node's copy."""

    node: str
    state: str = Field(description="as the node says: Active, Dead, Partial …; Absent: it has none")
    problem: str | None = Field(description="why it could not be compared")
    points: int
    missing: int = Field(description="points that it lacks and the majority has")
    extra: int = Field(description="points that it has and the majority lacks")
    different: int = Field(description="points of which the majority has another content")


class DifferenceReport(BaseModel):
    """A point that is not the same everywhere."""

    id: Id
    path: str | None = Field(description="its document")
    faults: dict[str, Fault] = Field(description="by node; undecided: no majority holds the same")


class Report(BaseModel):
    """What a check found."""

    collection: str
    consistent: bool | None = Field(description="null: no difference was found, but not all replicas could be compared")
    problem: str | None = Field(description="why not all could be compared")
    seconds: float
    replicas: list[ReplicaReport]
    differing: int = Field(description="points that differ")
    undecided: int = Field(description="those of them of which no majority holds the same")
    differences: list[DifferenceReport] = Field(description="the first of them")
    undecided_documents: list[str] = Field(description="the documents of those undecided; index them again")


class Reports(BaseModel):
    """All collections."""

    consistent: bool | None
    collections: list[Report]


class RepairReport(BaseModel):
    """What a repair did."""

    collection: str
    consistent: bool | None = Field(description="afterwards")
    written: int = Field(description="points written once more as the majority holds them")
    deleted: int = Field(description="points deleted that no majority holds")
    changed: int = Field(description="points left alone because they changed meanwhile")
    failed: int = Field(description="points of which no write was acknowledged")
    problem: str | None = Field(description="why those failed")
    documents: list[str] = Field(description="the documents of the points written and deleted, the first of them")
    before: Report
    after: Report


def report(found: Comparison) -> Report:
    """A check's outcome as it is told."""
    undecided = [difference for difference in found.differences if not difference.decided]
    return Report(
        collection=found.collection,
        consistent=found.consistent,
        problem=found.problem,
        seconds=found.seconds,
        replicas=[_replica(replica, found.differences) for replica in found.replicas],
        differing=len(found.differences),
        undecided=len(undecided),
        differences=[DifferenceReport(id=d.id, path=d.path, faults=d.faults) for d in found.differences[:SHOWN]],
        undecided_documents=_documents(undecided),
    )


def reports(found: Sequence[Comparison]) -> Reports:
    """All checks' outcomes: one difference anywhere outweighs what could not be compared."""
    told = [report(one) for one in found]
    said = {one.consistent for one in told}
    return Reports(consistent=False if False in said else None if None in said else True, collections=told)


def repair_report(done: Repair) -> RepairReport:
    """A repair as it is told."""
    after = report(done.after or done.before)
    return RepairReport(
        collection=after.collection,
        consistent=after.consistent,
        written=len(done.written),
        deleted=len(done.deleted),
        changed=len(done.changed),
        failed=len(done.failed),
        problem=done.problem,
        documents=_documents([*done.written, *done.deleted]),
        before=report(done.before),
        after=after,
    )


def _replica(replica: Replica, differences: Iterable[Difference]) -> ReplicaReport:
    faults = [difference.faults.get(replica.node) for difference in differences]
    return ReplicaReport(
        node=replica.node,
        state=replica.state,
        problem=replica.problem,
        points=replica.points,
        missing=faults.count("missing"),
        extra=faults.count("extra"),
        different=faults.count("different"),
    )


def _documents(differences: Iterable[Difference]) -> list[str]:
    return sorted({difference.path for difference in differences if difference.path})[:SHOWN]
