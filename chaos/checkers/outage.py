"""Whether callers got, in time, what the outage contract promises."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from chaos.checkers.safely import enough, safely
from chaos.contract.contract import Contract, Promise
from chaos.record import Finding, Request, Verdict, Window

CHECK = "outage-contract"
SHOWN = 20  # of the requests that broke the contract
LEAD_S = 1.0  # a fault may be felt so long before it has been read back as being in force


@dataclass(frozen=True)
class Outage:
    """A fault in the contract's terms: which dependency fails, how, and when."""

    dependency: str
    kind: str
    window: Window

    @property
    def ended(self) -> float:
        return inf if self.window.ended is None else self.window.ended


@safely(CHECK)
def outage_contract(
    requests: Iterable[Request], outages: Sequence[Outage], contract: Contract, *, least: int = 1
) -> Finding:
    """Every answer of an endpoint belongs to a class that its promise names, and came in time.

    A request that lies within outages is promised what any of them allows. One that is only touched by an outage, or
    that comes in its aftermath, may also be answered as if nothing were wrong.
    """
    asked = [request for request in requests if request.operation in contract.calm]
    enough(len(asked), 1, "requests of the contract's endpoints")
    for outage in outages:
        within = [request for request in asked if _inside(request, outage)]
        enough(len(within), least, f"requests while {outage.dependency} was {outage.kind}")
    promises = [(request, promised(request, outages, contract)) for request in asked]
    broken = [(request, made) for request, made in promises if not any(promise.kept(request) for promise in made)]
    evidence = {"requests": len(asked), "undeclared": len(broken), "first": [_told(*each) for each in broken[:SHOWN]]}
    verdict = Verdict.FAILED if broken else Verdict.PASSED
    return Finding(CHECK, verdict, f"{len(broken)} of {len(asked)} answers undeclared", evidence)


def promised(request: Request, outages: Sequence[Outage], contract: Contract) -> list[Promise]:
    """What the caller was promised; one of them suffices."""
    endpoint = request.operation
    touched = [outage for outage in outages if _touches(request, outage, contract.aftermath_s)]
    during = [contract.promise(outage.dependency, outage.kind, endpoint) for outage in touched]
    if any(_inside(request, outage) for outage in touched):
        return during
    return [contract.calm[endpoint], *during]


def _inside(request: Request, outage: Outage) -> bool:
    return outage.window.started <= request.intended and request.ended <= outage.ended


def _touches(request: Request, outage: Outage, aftermath_s: float) -> bool:
    return outage.window.started - LEAD_S <= request.ended and request.intended <= outage.ended + aftermath_s


def _told(request: Request, made: Iterable[Promise]) -> dict[str, object]:
    return {
        "number": request.number,
        "operation": request.operation,
        "intended": request.intended,
        "got": f"{request.outcome} {request.status or ''} after {request.seconds:.2f} s",
        "promised": "; ".join(map(str, made)),
        "error": request.error,
    }
