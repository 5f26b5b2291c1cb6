"""What is durable of a rollout: the plan, and how far it is; on the disk before each action begins."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from infra import durable
from infra.rollout.deployment import Desired, RolloutError
from infra.rollout.strategies import Step
from infra.targets.local.paths import data_directory

STATE = "state.json"


class Phase(StrEnum):
    """How far a rollout is: what it is about to do, or does; it may be done already when a resumed engine does it."""

    PREPARING = "preparing"
    MIGRATING = "migrating"
    STEPPING = "stepping"
    PROMOTING = "promoting"
    PROMOTED = "promoted"
    UNDOING = "undoing"
    UNDONE = "undone"
    PAUSED = "paused"


ENDED = frozenset({Phase.PROMOTED, Phase.UNDONE})


@dataclass(frozen=True)
class Plan:
    """What is settled when a rollout begins."""

    id: str
    stack: str
    strategy: str
    release: str  # the new one
    before: Desired  # what the stack is to be after the rollout was undone
    steps: tuple[Step, ...]
    began_at: float  # seconds since 1970
    interval_s: float = 5.0  # between two looks
    extensions: int = 2  # how often a bake may be lengthened by its own time while a trigger is inconclusive
    confirm: bool = False  # whether a person must confirm before the promotion


@dataclass(frozen=True)
class State:
    """A plan, and where it stands."""

    plan: Plan
    phase: Phase = Phase.PREPARING
    step: int = 0  # where STEPPING or PAUSED
    confirmed: bool = False
    reason: str = ""  # why paused, undoing or undone
    by: tuple[str, ...] = ()  # the triggers that are the reason
    changed_at: float = 0.0  # seconds since 1970

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.phase in ENDED


_STATE = TypeAdapter(State)


def rollouts_folder(stack: str) -> Path:
    """Where the rollouts of a stack have their folders."""
    return data_directory() / "rollouts" / stack


def folder_of(plan: Plan) -> Path:
    """Where a rollout's state, journal and page lie."""
    return rollouts_folder(plan.stack) / plan.id


def save(state: State) -> None:
    """Have it on the disk when this returns, whole, in the place of the one before."""
    durable.write(folder_of(state.plan) / STATE, _STATE.dump_json(state, indent=2).decode())


def load(path: Path) -> State:
    """The state in that file; raises RolloutError where it cannot be read."""
    try:
        return _STATE.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise RolloutError(f"{path} holds no rollout's state: {error}") from None


def rollouts(stack: str) -> list[State]:
    """All rollouts of a stack, the oldest first."""
    return [load(path) for path in sorted(rollouts_folder(stack).glob(f"*/{STATE}"))]


def unfinished(stack: str) -> State | None:
    """The rollout of a stack that has not ended, if there is one."""
    return next((state for state in rollouts(stack) if not state.ended), None)


@contextmanager
def alone(stack: str) -> Iterator[None]:
    """Hold the only engine's place at a stack; freed even by a kill. Raises RolloutError while another one has it."""
    root = rollouts_folder(stack)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = os.open(root, os.O_RDONLY)  # the lock is on the folder, so it leaves no file
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RolloutError(
            f"a rollout of stack {stack} is being carried out at this moment; wait for it, or stop it with Ctrl-C there"
        ) from None
    else:
        yield
    finally:
        os.close(folder)


def refuse_a_second(stack: str) -> None:
    """Raise RolloutError while a rollout of the stack has not ended."""
    if left := unfinished(stack):
        raise RolloutError(
            f"rollout {left.plan.id} of stack {stack} is {left.phase}: `make rollout-resume STACK={stack}` goes on "
            f"with it, `make rollout-abort STACK={stack}` takes it back"
        )
