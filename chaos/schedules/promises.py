"""What callers are promised while several faults are in force: the outage contract of each, taken together.

What any of the faults allows by itself may be got, and what is got in calm, within the time of calm. On the gateway's
way to a service its own errors may be got too. Few may get less than that, honestly, though no fault explains it:
services that share two cores with what is restarted beside them cannot do everything in time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaos.checkers.safely import enough, safely
from chaos.contract.contract import Answer, Contract, Promise
from chaos.record import Finding, Outcome, Request, Verdict
from chaos.schedules.schedule import Interval
from infra.topology import PEERS, QDRANT_NODES

CHECK = "declared-answers"
SHOWN = 20
HONEST = ("stale", "unavailable", "broken-off")  # answers by which the contract gives less than in calm, and says so
FEW = 0.1  # of the requests that could feel a fault may get less, honestly, though none of the faults explains it

DEPENDENCIES = {
    "ollama": "ollama",
    "query->ollama": "ollama",
    "redis": "redis",
    "query->redis": "redis",
    "timescaledb": "timescaledb",
    "query->timescaledb": "timescaledb",
    "collections->timescaledb": "timescaledb",
    "ingestion->timescaledb": "timescaledb",
    "query": "query",
    "rag-service->query": "query",
    "ingestion": "ingestion",
    "collections->ingestion": "ingestion",
}
"""The contract's dependency that is away, by the fault's target; what a target without one suffers changes nothing."""

ONE_NODE, ALL_NODES = "qdrant-one-node", "qdrant"
NODES = {f"{way}{node}": node for node in QDRANT_NODES for way in ("", "query->", f"{PEERS}->")}
"""The vector node of which searches may get no answer, by the fault's target."""

KINDS = {
    "down": "down",
    "kill": "down",
    "restart": "down",
    "flapping": "down",
    "partition": "down",
    "black-hole": "black-hole",
    "pause": "black-hole",
    "latency": "slow",
    "bandwidth": "slow",
    "slicer": "slow",
    "full-cache": "slow",
    "reset": "reset",
    "limit-data": "reset",
    "garbage": "garbage",
}
"""The contract's kind, by the fault's."""

SERVICES = {
    "search": "query",
    "question": "query",
    "question-streamed": "query",
    "rag-search": "rag-service",
    "documents": "rag-service",
    "collections": "collections",
    "collection-documents": "collections",
    "collection-stats": "collections",
    "reindex": "collections",
    "jobs": "ingestion",
}
"""The service behind the gateway, by endpoint. A fault on it, or on the gateway's edge to it, is on the way."""

ON_THE_WAY = (
    Answer(
        "gateway error",
        "the gateway's word for a service that it gets no answer of",
        Outcome.ERROR,
        frozenset({502, 503, 504}),
    ),
    Answer("cut off", "an answer that had begun", Outcome.LOST, frozenset({200, 202})),
)


@dataclass(frozen=True)
class Felt:
    """A fault and when its injection began: from then on callers may feel it, until all is well again and looked at."""

    interval: Interval
    begun: float

    def touches(self, request: Request) -> bool:
        return self.begun <= request.ended


@safely(CHECK)
def declared_answers(
    requests: Iterable[Request], faults: Sequence[Felt], contract: Contract, *, in_time: bool, least: int
) -> Finding:
    """Every request got what it was promised, in time; `least` of them must have met a fault.

    Where more than a few got less and no fault explains it, nothing is known of a machine too busy to ask `in_time`.
    """
    known = list(requests)
    touched = {request.number: [fault.interval for fault in faults if fault.touches(request)] for request in known}
    met = sum(bool(there) for there in touched.values())
    enough(met, least, "requests while a fault could be felt")
    promises = [(request, promised(request.operation, touched[request.number], contract)) for request in known]
    broken = [(request, promise) for request, promise in promises if not promise.kept(request)]
    needless = [each for each in broken if _honest(*each, contract)]
    dishonest = [each for each in broken if each not in needless]
    many = len(needless) > FEW * met
    outcomes = [request.outcome.value for request in known]
    evidence = {
        "requests": len(known),
        "met a fault": met,
        "outcomes": {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
        "less though no fault explains it": len(needless),
        "first": [_told(*each, touched[each[0].number]) for each in [*dishonest, *needless][:SHOWN]],
    }
    said = f"{len(dishonest)} of {len(known)} answers undeclared, {len(needless)} less than the faults explain"
    if dishonest or many:
        request, promise = [*dishonest, *needless][0]
        said += f", such as {request.operation}: {_got(request)}, promised {promise}"
    if dishonest or (many and in_time):
        return Finding(CHECK, Verdict.FAILED, said, evidence)
    return Finding(CHECK, Verdict.UNKNOWN if many else Verdict.PASSED, said, evidence)


def promised(endpoint: str, faults: Iterable[Interval], contract: Contract) -> Promise:
    """What the endpoint's callers are promised under these faults."""
    there = list(faults)
    calm = contract.calm[endpoint]
    answers = [*calm.answers]
    for dependency, kind in _outages(there):
        answers += contract.promise(dependency, kind, endpoint).answers
    service = SERVICES[endpoint]
    if any(fault.target in {service, f"kong->{service}"} for fault in there):
        answers += ON_THE_WAY
    return Promise(tuple(dict.fromkeys(answers)), calm.within_s)


def _outages(faults: Sequence[Interval]) -> Iterable[tuple[str, str]]:
    hit = {node for fault in faults if (node := NODES.get(fault.target))}
    nodes = ALL_NODES if hit == set(QDRANT_NODES) else ONE_NODE
    for fault in faults:
        dependency = nodes if fault.target in NODES else DEPENDENCIES.get(fault.target)
        if dependency:
            yield dependency, KINDS[fault.fault["kind"]]


def _honest(request: Request, promise: Promise, contract: Contract) -> bool:
    return request.seconds <= promise.within_s and any(contract.answers[name].has(request) for name in HONEST)


def _got(request: Request) -> str:
    return f"{request.outcome} {request.status or ''} after {request.seconds:.2f} s ({request.error or 'no error'})"


def _told(request: Request, promise: Promise, faults: Iterable[Interval]) -> dict[str, object]:
    return {
        "number": request.number,
        "operation": request.operation,
        "intended": request.intended,
        "got": _got(request),
        "promised": str(promise),
        "under": [str(fault) for fault in faults],
        "request_id": request.headers.get("x-request-id"),
    }
