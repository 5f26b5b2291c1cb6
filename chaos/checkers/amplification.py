"""Whether a fault makes the stack work harder, log more or try again more than it may."""

from dataclasses import dataclass

from chaos.checkers.crossing import ATTEMPTS
from chaos.checkers.safely import NoEvidenceError, enough, safely
from chaos.observe import LOG_BYTES
from chaos.record import Finding, Verdict
from infra.probes.metrics import Snapshot, total

CHECK = "amplification"


@dataclass(frozen=True)
class Bounds:
    """The most that a fault may cost: attempts and CPU time per request against calm, log bytes per request."""

    attempts: float = 1.1  # the services' retry budget: at most a tenth more
    cpu: float = 2.0
    log_bytes: float = 10_000


@dataclass(frozen=True)
class Effort:
    """What the stack did for a number of requests: all figures for one of them."""

    attempts: float
    cpu_s: float
    log_bytes: float


def effort(grown: Snapshot, requests: int, *, least: int = 20) -> Effort:
    """The effort by what metrics and logs have grown meanwhile; raises NoEvidenceError for too few requests."""
    enough(requests, max(1, least), "requests")
    names = (f"{ATTEMPTS}_count", "process_cpu_seconds_total", LOG_BYTES)
    attempts, cpu_s, log_bytes = (total(grown, name) / requests for name in names)
    return Effort(attempts, cpu_s, log_bytes)


@safely(CHECK)
def amplification(
    calm: Snapshot, calm_requests: int, fault: Snapshot, fault_requests: int, *, bounds: Bounds, least: int = 20
) -> Finding:
    """By what has grown in two stretches with the same load: one calm, one with the fault in force."""
    usual, hurt = effort(calm, calm_requests, least=least), effort(fault, fault_requests, least=least)
    if not (usual.attempts and usual.cpu_s and usual.log_bytes):
        raise NoEvidenceError(f"nothing to compare with was measured in calm: {usual}")
    measured = {
        "attempts": (hurt.attempts / usual.attempts, bounds.attempts),
        "cpu": (hurt.cpu_s / usual.cpu_s, bounds.cpu),
        "log_bytes": (hurt.log_bytes, bounds.log_bytes),
    }
    over = [name for name, (value, bound) in measured.items() if value > bound]
    said = "; ".join(f"{name} {value:.3g} of {bound:g}" for name, (value, bound) in measured.items())
    evidence = {"calm": vars(usual), "fault": vars(hurt), "over": over}
    return Finding(CHECK, Verdict.FAILED if over else Verdict.PASSED, said, evidence)
