"""Heals what dead runners left, or ones whose time is over."""

import time
from dataclasses import dataclass
from pathlib import Path

from chaos import entries
from chaos.stack import SAVED, Stack
from infra.targets.local.paths import StackPaths, data_directory

SETTLE_S = 0.2  # seconds in which a request that a runner sent before its death is carried out


@dataclass(frozen=True)
class Healing:
    """What became of the entries that were there, each in a line."""

    healed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    held: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = {"healed": self.healed, "not healed": self.problems, "held by a living runner": self.held}
        return "\n".join(f"{what}: {line}" for what, those in lines.items() for line in those)


def heal_left_over(stack: Stack) -> Healing:
    """Heal every fault that no living runner holds, the newest first; what cannot be healed stays in the ledger."""
    healed, problems, held = [], [], []
    with entries.locked(stack):
        found = {path: _held(path) for path in entries.files(stack)}
        if not all(found.values()):
            time.sleep(SETTLE_S)
        for path, is_held in found.items():
            said = _said(path)
            if is_held:
                held.append(said)
            elif problem := entries.heal(stack, path):
                problems.append(f"{said}: {problem}")
            else:
                healed.append(said)
    return Healing(tuple(healed), tuple(problems), tuple(held))


def _held(path: Path) -> bool:
    try:
        return entries.read(path).held
    except ValueError:
        return False


def _said(path: Path) -> str:
    try:
        fault = entries.read(path).fault
    except ValueError:
        return path.name
    return " ".join(f"{key}={value}" for key, value in fault.items())


def heal_stacks(name: str | None = None) -> int:
    """Heal the stack of that name, or every one that the harness has been used on, and say so; 1 if something stays."""
    roots = [StackPaths.of(name).root] if name else [path.parents[1] for path in data_directory().glob("*/" + SAVED)]
    stacks = [stack for root in roots if (stack := Stack.load(root))]
    healings = [(stack.name, heal_left_over(stack)) for stack in stacks]
    lines = [f"{stack}: {line}" for stack, healing in healings for line in str(healing).splitlines()]
    print("\n".join(lines) or "nothing to heal")
    return int(any(healing.problems or healing.held for _, healing in healings))
