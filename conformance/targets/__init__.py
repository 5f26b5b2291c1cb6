"""What the checks do to a stack's components and see of them, by its target: restart one, and who listens."""

from collections.abc import Mapping
from typing import Any


def restart(outputs: Mapping[str, Any], component: str) -> None:
    """Stop a component and start it again, as it would after a crash; raises NonconformingError where that fails."""
    _target(outputs).restart(outputs, component)


def listening(outputs: Mapping[str, Any]) -> set[tuple[str, int]]:
    """Interface and port of everything of the stack that can be reached from outside of it on its machine."""
    found: set[tuple[str, int]] = _target(outputs).listening(outputs)
    return found


def _target(outputs: Mapping[str, Any]) -> Any:
    if outputs["target"] == "docker":
        from conformance.targets import docker  # noqa: PLC0415 - a target's own libraries

        return docker
    from conformance.targets import local  # noqa: PLC0415

    return local
