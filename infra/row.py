"""One component of a running stack as `breakwater status` shows it, whatever the target."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One component as it is now."""

    component: str
    kind: str
    implementation: str
    version: str
    port: str
    state: str
    healthy: bool
    memory_mb: int
    restarts: int
    difference: str
