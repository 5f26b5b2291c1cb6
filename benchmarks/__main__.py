"""Benchmarks: what the stack does, as ratios measured side by side, each with its spread and its bound.

  python -m benchmarks list                    what there is
  python -m benchmarks run [NAME ...]          measure all, or those whose names contain a word; a table, and a record
  python -m benchmarks guard                   the cheap ratios against benchmarks/baseline.json; 1 after a regression
  python -m benchmarks baseline                measure them again and again, and make that the baseline
  python -m benchmarks compare A B             two records: ids of reports/bench, or files

`make bench`, `make bench ONLY=word QUICK=1` and `make bench-guard` call these.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby

from rich.console import Console

from benchmarks import guard, machine, results, stack, table
from benchmarks.benchmark import FULL, GUARD, QUICK, Bench, Benchmark, Effort, Kind, catalogue
from benchmarks.client import LoadError
from benchmarks.compare import changes
from benchmarks.figures import Verdict
from benchmarks.results import NoResultError, Result
from chaos.stack import Stack, StackError
from infra.own_stack import OwnStackError
from infra.workspace import WorkspaceError

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def show_catalogue(_: argparse.Namespace) -> int:
    """Print the benchmarks."""
    for one in catalogue().values():
        console.print(f"[bold]{one.name}[/]  [dim]{one.stack or 'no'} stack{', guarded' * one.guard}[/]\n  {one.title}")
    return 0


def run(parsed: argparse.Namespace) -> int:
    """Measure; returns 1 where a bound is missed, 3 where one lies within the noise, 2 where something broke off."""
    known = catalogue()
    chosen = [one for name, one in known.items() if not parsed.names or any(word in name for word in parsed.names)]
    if not chosen:
        sys.stderr.write("benchmarks: none is called so; `python -m benchmarks list` tells what there is\n")
        return 2
    began = datetime.now(UTC)
    result = Result(f"{began:%Y%m%d-%H%M%S}", began, parsed.quick, dict(machine.describe()), os.getloadavg()[0])
    before = {one.name: last for one in chosen if (last := results.last(one.name, quick=parsed.quick))}
    try:
        for one, bench in _benches(chosen, parsed.stack, QUICK if parsed.quick else FULL):
            _measure(one, bench, result)
    finally:
        path = results.save(result)
    table.show(console, result, known, before)
    console.print(f"{', '.join(f'{key} {value}' for key, value in result.machine.items())}", style="dim")
    console.print(str(path), soft_wrap=True)
    verdicts = {figure.verdict for figures in result.figures.values() for figure in figures}
    return 2 if result.failures else 1 if Verdict.MISSED in verdicts else 3 if Verdict.NOISE in verdicts else 0


def _benches(chosen: Sequence[Benchmark], stacks: Sequence[str], effort: Effort) -> Iterator[tuple[Benchmark, Bench]]:
    """Each benchmark with what it measures with: one stack after the other, and no more than are needed."""
    given = {stack.kind(one): one for one in map(Stack.with_or_without_proxies, stacks)}
    for kind, benchmarks in groupby(chosen, key=lambda one: one.stack):
        with _running(kind, given) as running:
            for one in benchmarks:
                yield one, Bench(effort, running)


@contextmanager
def _running(kind: Kind | None, given: Mapping[Kind, Stack]) -> Iterator[Stack | None]:
    if kind is None or kind in given:
        yield given.get(kind) if kind else None
        return
    with stack.standing(kind) as own:
        yield own


def _measure(one: Benchmark, bench: Bench, result: Result) -> None:
    console.print(f"[bold]{one.name}[/]  [dim]{one.title}[/]")
    try:
        for figure in one.measure(bench):
            result.figures.setdefault(one.name, []).append(figure)
            console.print(f"  {table.said(figure)}")
    except Exception as error:  # noqa: BLE001 - whatever one dies of, the others are worth measuring
        result.failures[one.name] = f"{type(error).__name__}: {error}"
        console.print(f"  [red]{result.failures[one.name]}[/]")


def compare(parsed: argparse.Namespace) -> int:
    """Print what changed; returns 1 where something got worse."""
    before, after = results.load(parsed.before), results.load(parsed.after)
    found = list(changes(before, after))
    for one in found:
        colour = table.CHANGED[one.word]
        values = " → ".join(table.amount(figure.estimate.median) for figure in (one.before, one.after))
        console.print(f"[{colour}]{one.word:6}[/] {one.benchmark} {one.after.name}: {values} {one.after.unit}")
    if before.machine != after.machine:
        console.print("measured on different machines: only ratios are compared", style="yellow")
    return 1 if any(one.word == "worse" for one in found) else 0


def run_guard(parsed: argparse.Namespace) -> int:
    """Hold the cheap ratios to the baseline; returns 1 after a regression."""
    runs = _guarded(parsed, guard.RUNS)
    if guard.check(console, runs) == 0:
        return 0
    console.print("measuring again: what was a mood of the machine does not come back")
    return guard.check(console, runs + _guarded(parsed, guard.RUNS))


def make_baseline(parsed: argparse.Namespace) -> int:
    """Measure the baseline."""
    runs = [run for _ in range(parsed.runs) for run in _guarded(parsed, 1)]  # each on a stack of its own
    return guard.rewrite(console, runs)


def _guarded(parsed: argparse.Namespace, runs: int) -> list[guard.Ratios]:
    chosen = [one for one in catalogue().values() if one.guard]
    taken: list[guard.Ratios] = [{} for _ in range(runs)]
    for one, bench in _benches(chosen, parsed.stack, GUARD):
        for so_far in taken:
            so_far.update(guard.ratios(one.name, one.measure(bench)))
    return taken


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND")
    parser.set_defaults(do=show_catalogue)
    commands.add_parser("list", help="list the benchmarks").set_defaults(do=show_catalogue)
    command = commands.add_parser("run", help="measure, print a table, write a record to reports/bench")
    command.add_argument("names", nargs="*", metavar="NAME", help="benchmarks whose names contain one of these words")
    command.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    command.set_defaults(do=run)
    _add_stack(command)
    command = commands.add_parser("guard", help="hold the cheap ratios to the baseline; exits with 1 on a regression")
    command.set_defaults(do=run_guard)
    _add_stack(command)
    command = commands.add_parser("baseline", help="measure the baseline anew and write benchmarks/baseline.json")
    command.add_argument("--runs", type=int, default=guard.BASELINE_RUNS, help="how often (default: %(default)s)")
    command.set_defaults(do=make_baseline)
    _add_stack(command)
    command = commands.add_parser("compare", help="what changed between two runs, beyond noise")
    command.add_argument("before", metavar="A")
    command.add_argument("after", metavar="B")
    command.set_defaults(do=compare)
    parsed = parser.parse_args()
    try:
        code: int = parsed.do(parsed)
    except (WorkspaceError, StackError, OwnStackError, NoResultError, LoadError) as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        return 2
    return code


def _add_stack(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--stack", action="append", default=[], help="measure this stack, which is up, where its kind is asked for"
    )


if __name__ == "__main__":
    sys.exit(main())
