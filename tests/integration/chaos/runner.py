"""A runner that injects one fault after the other until it is killed."""

import os
import random
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

from chaos.faults import BlackHole, Down, Fault, Flapping, Garbage, Kill, Latency, Pause, Reset
from chaos.ledger import Ledger
from chaos.stack import Stack
from chaos.watchdog import watching
from infra.targets.local.paths import StackPaths
from infra.topology import topology

EDGE = "query->ollama"
FAULTS: list[Fault] = [
    BlackHole(EDGE, "both"),
    Down(EDGE),
    Flapping(EDGE, down_s=0.05, up_s=0.05),
    Garbage(EDGE),
    Kill("ollama", stays_down=True),
    Latency(EDGE, latency_ms=100),
    Pause("ollama"),
    Reset(EDGE),
]


def run(root: str, offset: int, seed: int, watched: bool, began: Connection) -> None:
    """Be the runner; says on `began` when it begins."""
    os.environ["BREAKWATER_HOME"] = root  # by which the test tells its helpers from another's
    stack = Stack("test", StackPaths(Path(root)), topology(offset))
    ledger = Ledger(stack, time.monotonic)
    chance = random.Random(seed)
    with ExitStack() as context:
        if watched:
            context.enter_context(watching(stack))
        began.send("begun")
        while True:
            with ledger.injected(chance.choice(FAULTS)):
                time.sleep(chance.uniform(0, 0.05))
