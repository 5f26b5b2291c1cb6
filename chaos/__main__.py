"""The chaos suite: break a stack on purpose and prove that it survives.

  python -m chaos run [--quick]     every experiment, on a stack of its own, and a scorecard
  python -m chaos list              the experiments and what each proves
  python -m chaos heal              undo what a killed run left in force
  python -m chaos schedules N       only N random schedules of several faults, each told as it ends
  python -m chaos sabotage          whether the suite notices defects that are put into a stack on purpose
  python -m chaos replay RUN/NAME   such a schedule once more, with the times at which its faults really came and went

`make chaos`, `make chaos QUICK=1`, `make chaos-heal` and `make chaos-diff A=… B=…` call these.
"""

import argparse
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime

import pytest
from rich.console import Console

from chaos.catalogue import EXPERIMENTS, catalogue
from chaos.heal import heal_left_over, heal_stacks
from chaos.record import Run, save_run
from chaos.sabotage import command as sabotage_command
from chaos.schedules import COUNT, REPLAY, journal
from chaos.scorecard.__main__ import main as show_scorecard
from chaos.stack import Stack, StackError
from chaos.suite import SUITE, Suite, recovery_s
from chaos.watchdog import watching
from infra import own_stack
from infra.commands import status
from infra.settings import PROJECT_ROOT
from infra.workspace import WorkspaceError

REPORTS = PROJECT_ROOT / "reports" / "chaos"
OWN = {False: "chaos", True: "chaos-quick"}
SETTINGS = {False: {"breakerRecoveryS": 30}, True: {"breakerRecoveryS": 2}}  # the design's, and one of the quick suite
QUICK_RECOVERY_S = 5.0  # breakers that recover within this are waited for in every experiment

RANDOM = "random_schedules"  # the experiment that draws schedules, or runs a journal's again
TOLD = ("-s",)  # pytest shows at once what an experiment prints

RUN = """\
Run the experiments and write a scorecard.

Without --stack the suite brings a stack of its own up and takes it down afterwards. With --stack it breaks that one.
The record of the run (run.json, a file per experiment, scorecard.html, summary.json, junit.xml) goes to reports/chaos.

exit codes: 0 all passed, 1 something failed, 2 it could not run, 3 of something nothing is known, 4 all passed and
something could not be healed
"""


class Shared:
    """Hands the run to the experiments."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    def pytest_configure(self, config: pytest.Config) -> None:
        """Pytest's hook: before anything is collected."""
        config.stash[SUITE] = self._suite


def run(parsed: argparse.Namespace) -> int:
    """Run the suite; returns the exit code."""
    if parsed.schedules is not None:
        os.environ[COUNT] = str(parsed.schedules)
    with _stack(parsed) as name:
        suite = _suite(_healed(name), seed=parsed.seed)
        chosen = ["-k", parsed.only] if parsed.only else ["-m", "not full"] if suite.quick else []
        with watching(suite.stack):
            ran = pytest.main(
                [
                    str(EXPERIMENTS),
                    "-q",
                    "--no-header",
                    "-p",
                    "no:cacheprovider",
                    "-o",
                    "timeout=300",
                    "--tb=line",
                    *chosen,
                    *parsed.shown,
                ],
                plugins=[Shared(suite)],
            )
    if ran not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        return 2
    return show_scorecard([str(suite.folder)])


def sabotage(parsed: argparse.Namespace) -> int:
    """Put the sabotages in, one after the other; 1 where one is not noticed as it must be."""
    sabotages = sabotage_command.chosen(parsed.only)
    if not sabotages:
        sys.stderr.write("chaos: no sabotage is called so\n")
        return 2
    with _stack(parsed) as name:
        suite = _suite(_healed(name), seed=parsed.seed, suffix="-sabotage")
        with watching(suite.stack):
            return 0 if sabotage_command.run(suite, sabotages) else 1


def _healed(name: str) -> Stack:
    stack = Stack.of(name)
    healing = heal_left_over(stack)
    if str(healing):
        Console().print(f"[yellow]left by an earlier run[/]\n{healing}")
    return stack


@contextmanager
def _stack(parsed: argparse.Namespace) -> Iterator[str]:
    name = parsed.stack or OWN[parsed.quick]
    if parsed.keep and not parsed.stack:
        own_stack.bring_up(name, SETTINGS[parsed.quick])
    with nullcontext() if parsed.keep or parsed.stack else own_stack.standing(name, SETTINGS[parsed.quick]):
        yield name


def _suite(stack: Stack, *, seed: int | None, suffix: str = "") -> Suite:
    recovers = recovery_s(stack)
    quick = recovers <= QUICK_RECOVERY_S
    began = datetime.now(UTC)
    identity = f"{began:%Y%m%d-%H%M%S}" + ("-quick" if quick else "") + suffix
    settings = {"breaker recovery": f"{recovers:g} s", "stack": stack.name}
    made = Run(identity, began, quick, seed or random.randrange(2**32), status.implementations(stack.paths), settings)  # noqa: S311 - to be repeated by whoever reads it
    folder = REPORTS / identity
    save_run(folder, made)
    return Suite(stack, made, folder, recovers)


def replay(parsed: argparse.Namespace) -> int:
    """Run the schedules of a journal again; returns the exit code."""
    os.environ[REPLAY] = str(journal.find(REPORTS, parsed.journal))
    return run(parsed)


def show_catalogue(_: argparse.Namespace) -> int:
    """Print the experiments."""
    console = Console()
    for one in catalogue():
        console.print(f"[bold]{one.name}[/]  [dim]{', '.join(one.proves)}[/]\n  {one.title}", highlight=False)
    return 0


def heal(parsed: argparse.Namespace) -> int:
    """Heal what is left; 1 if something stays."""
    return heal_stacks(parsed.stack)


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(f"{text} schedules are none")
    return number


def _add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--quick", action="store_true", help="breakers that recover in 2 s instead of 30")
    command.add_argument("--stack", help="break this stack, which is up, instead of one of the suite's own")
    command.add_argument("--keep", action="store_true", help="leave the suite's own stack up afterwards")
    command.add_argument("--seed", type=int, help="of everything that is drawn by chance (default: a new one)")


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "run",
        help="run the experiments",
        description=RUN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--only", metavar="EXPRESSION", help="experiments whose names match, as pytest's -k has it")
    command.add_argument("--schedules", type=_count, metavar="N", help="random schedules (default: 3 quick, 10 full)")
    _add_options(command)
    command.set_defaults(do=run, shown=())
    command = commands.add_parser("schedules", help="run random schedules of several faults, and nothing else")
    command.add_argument("schedules", type=_count, metavar="N")
    _add_options(command)
    command.set_defaults(do=run, only=RANDOM, shown=TOLD)
    command = commands.add_parser("replay", help="run a schedule of an earlier run again, or all of that run's")
    command.add_argument("journal", metavar="RUN[/NAME]", help="a run in reports/chaos, and a file of its `schedules`")
    _add_options(command)
    command.set_defaults(do=replay, only=RANDOM, schedules=None, shown=TOLD)
    command = commands.add_parser("sabotage", help="put defects into a stack, and see whether the suite notices them")
    command.add_argument("--only", nargs="+", default=(), metavar="WORD", help="sabotages whose names contain a word")
    command.add_argument("--stack", help="sabotage this stack, which is up, instead of one of the suite's own")
    command.add_argument("--keep", action="store_true", help="leave the suite's own stack up afterwards")
    command.add_argument("--seed", type=int, help="of everything that is drawn by chance (default: a new one)")
    command.set_defaults(do=sabotage, quick=True)
    command = commands.add_parser("list", help="list the experiments")
    command.set_defaults(do=show_catalogue)
    command = commands.add_parser("heal", help="undo what a killed run left")
    command.add_argument("--stack", help="only of this stack (default: of every stack in the data directory)")
    command.set_defaults(do=heal)
    parsed = parser.parse_args()
    try:
        code: int = parsed.do(parsed)
    except (WorkspaceError, StackError, own_stack.OwnStackError, journal.JournalError) as error:
        sys.stderr.write(f"chaos: {error}\n")
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
