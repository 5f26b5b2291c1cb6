"""Bring a new release to a running stack step by step, and take it back by itself when a trigger fires.

A release is a checkout's folder, a wheel, or the name of one that was prepared before. Its processes run beside those
of the release in use; the gateway gives them a share of the traffic that grows with each step. Each step is watched for
--bake, and every trigger must find it healthy before the next one. One that finds it unhealthy undoes the rollout at
once. One that cannot tell has the step watched longer, and then pauses the rollout: nothing is promoted on a guess.

  breakwater rollout --release ../new                        canary: 10, 50 and 100 % of all services
  breakwater rollout --release ../new --strategy rolling     one service after another
  breakwater rollout --release ../new --strategy blue-green --confirm
                                                             all at once; a person promotes it, by `resume`
  breakwater rollout resume         go on with a rollout that is paused, or whose engine was stopped or killed
  breakwater rollout abort          take it back, wherever it is

A rollout whose candidates or promotion `up` would refuse, for its memory or by a rule, does not begin.
Exits with 0 when the release is promoted (abort: when it is taken back), 1 when it was undone, with the reason, and 3
when it stands still. Ctrl-C stops the engine after the action at hand. docs/rollouts.md tells what each strategy does,
docs/rollout-triggers.md what undoes a rollout, and `breakwater rollouts` lists the past ones.
"""

import argparse
import re
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from infra.rollout import journal, page, releases, state
from infra.rollout.admission import admit
from infra.rollout.composition import surroundings
from infra.rollout.deployment import Deployment, RolloutError
from infra.rollout.engine import StoppedError, aborted, resumed
from infra.rollout.engine import run as carry_out
from infra.rollout.progress import shown
from infra.rollout.pulumi_deployment import PulumiDeployment
from infra.rollout.state import Phase, Plan, State, alone, folder_of
from infra.rollout.stop import listening
from infra.rollout.strategies import CANARY, STRATEGIES, steps
from infra.rollout.words import releases_said, state_said
from infra.stack_settings import stack_settings
from infra.topology import RELEASED

ACTIONS = ("start", "resume", "abort")
EXITS = {Phase.PROMOTED: 0, Phase.UNDONE: 1}
STANDS_STILL = 3
BAKE_S = 60.0
LOOKS = 10  # in a bake, if they are not closer together than SHORTEST_S or further than LONGEST_S
SHORTEST_S, LONGEST_S = 1.0, 30.0
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """What "90", "90s", "15m" or "2h" says."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 90, 90s, 15m or 2h")
    return float(found[1]) * UNITS[found[2]]


def percents(text: str) -> tuple[int, ...]:
    """What "10,50,100" says."""
    return tuple(int(part) for part in text.split(","))


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to roll out, and how."""
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="start", metavar="resume|abort")
    parser.add_argument("--release", help="a checkout's folder, a wheel, or a prepared release's name")
    parser.add_argument("--strategy", choices=STRATEGIES, default="canary", help="default: canary")
    parser.add_argument("--bake", type=seconds, default=BAKE_S, metavar="TIME", help="of each step: 90, 15m, 2h")
    parser.add_argument("--weights", type=percents, default=CANARY, help="of a canary, in percent: 10,50,100")
    parser.add_argument("--services", type=lambda text: text.split(","), default=RELEASED, help="default: all of them")
    parser.add_argument("--interval", type=seconds, metavar="TIME", help="between two looks (default: by the bake)")
    parser.add_argument("--extensions", type=int, default=2, help="bakes added at most while a trigger cannot tell")
    parser.add_argument("--confirm", action="store_true", help="have a person confirm before it is promoted")
    parser.set_defaults(wrong=parser.error)


def run(parsed: argparse.Namespace) -> int:
    """Start, go on or take back; with progress until it ends or stands still."""
    if parsed.action == "start" and not parsed.release:
        parsed.wrong("--release is missing: the folder of a checkout, a wheel, or a prepared release's name")
    with alone(parsed.stack):
        deployment = PulumiDeployment(parsed.stack)
        found = _carried_out(_FIRST[parsed.action](parsed, deployment), deployment, Console(highlight=False))
    return 0 if parsed.action == "abort" and found.phase is Phase.UNDONE else EXITS.get(found.phase, STANDS_STILL)


def _start(parsed: argparse.Namespace, deployment: Deployment) -> State:
    state.refuse_a_second(parsed.stack)
    before = deployment.desired()
    if before.candidate:
        raise RolloutError(
            f"stack {parsed.stack} has the candidate {before.candidate} by its settings, and no rollout that knows of "
            "it; take `candidate` and `candidateWeights` out of them and run `make up`"
        )
    planned = steps(parsed.strategy, parsed.services, parsed.bake, parsed.weights)
    source = parsed.release
    release = (releases.prepare(source) if Path(source).exists() else releases.find(source)).name
    if release == before.release:
        raise RolloutError(f"stack {parsed.stack} runs release {release} already")
    admit(stack_settings(parsed.stack), release)
    now = time.time()
    plan = Plan(
        id=f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{parsed.strategy}",
        stack=parsed.stack,
        strategy=parsed.strategy,
        release=release,
        before=before,
        steps=planned,
        began_at=now,
        interval_s=parsed.interval or min(LONGEST_S, max(SHORTEST_S, parsed.bake / LOOKS)),
        extensions=parsed.extensions,
        confirm=parsed.confirm,
    )
    return State(plan)


def _resume(parsed: argparse.Namespace, _: Deployment) -> State:
    return resumed(_unfinished(parsed.stack))


def _abort(parsed: argparse.Namespace, _: Deployment) -> State:
    if state.unfinished(parsed.stack) is None and (past := state.rollouts(parsed.stack)):
        return aborted(past[-1])
    return aborted(_unfinished(parsed.stack))


_FIRST = {"start": _start, "resume": _resume, "abort": _abort}


def _unfinished(stack: str) -> State:
    if found := state.unfinished(stack):
        return found
    raise RolloutError(f"stack {stack} has no rollout that has not ended; `make rollouts STACK={stack}` lists them")


def _carried_out(found: State, deployment: Deployment, console: Console) -> State:
    """The state after the engine has done what it can; its page is written whatever came."""
    plan, folder = found.plan, folder_of(found.plan)
    console.print(f"rollout {plan.id}: {releases_said(plan)}", markup=False)
    state.save(found)
    write = journal.writer(folder)
    try:
        with listening() as stop, shown(plan, console) as show:

            def note(entry: journal.Entry) -> None:
                write(entry)
                show(entry)

            with surroundings(plan, deployment, note, stop.wait) as around:
                found = carry_out(found, around)
    except StoppedError:
        found = state.load(folder / state.STATE)
    finally:
        page.save(folder)
    console.print(state_said(found), markup=False, soft_wrap=True)
    if not found.ended:
        console.print(
            f"`make rollout-resume STACK={plan.stack}` goes on, `make rollout-abort STACK={plan.stack}` takes it back",
            markup=False,
            soft_wrap=True,
        )
    console.print(str(folder / page.NAME), style="dim", markup=False, soft_wrap=True)
    return found
