"""Heal what dead runners left, or ones whose time is over: `python -m chaos.heal --stack NAME`.

Exits with 0 if nothing is left, with 1 if something could not be healed or is held by a runner that lives.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from chaos import entries
from chaos.stack import Stack
from infra.targets.local.paths import StackPaths

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


def main() -> int:
    """Heal the stack's left-over faults and say so."""
    parser = argparse.ArgumentParser(prog="python -m chaos.heal", description="Heal what killed chaos runs left.")
    parser.add_argument("--stack", default="local")
    stack = Stack.load(StackPaths.of(parser.parse_args().stack).root)
    healing = heal_left_over(stack) if stack else Healing()
    print(str(healing) or "nothing to heal")
    return 1 if healing.problems or healing.held else 0


if __name__ == "__main__":
    sys.exit(main())
