"""Show a run of the chaos suite: its scorecard, or what changed between two runs."""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from chaos.record import Verdict, load
from chaos.scorecard import diff, junit, page, summary, terminal
from chaos.scorecard.summary import Summary, summarize

CODES = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.UNKNOWN: 3}
CLEAN_UP_FAILED = 4
BROKEN = 2

SCORECARD = """\
Write scorecard.html, summary.json and junit.xml into the folder of a run, and print a table of it.

The folder is the one that the suite made for the run: it holds run.json and a *.result.json per experiment.

exit codes:
  0  every experiment passed
  1  an experiment failed
  2  the folder holds no run, or a broken one
  3  none failed, but of one nothing is known (or none ran)
  4  every experiment passed, but a fault could not be healed

to compare two runs: python -m chaos.scorecard diff BEFORE AFTER
"""


def main(arguments: list[str]) -> int:
    """Do what the command line says and return the exit code."""
    try:
        if arguments[:1] == ["diff"]:
            return _diff(arguments[1:])
        return _scorecard(arguments)
    except (OSError, ValidationError) as error:
        print(f"scorecard: {error}", file=sys.stderr)  # noqa: T201 # a command prints
        return BROKEN


def _scorecard(arguments: list[str]) -> int:
    parser = _parser("python -m chaos.scorecard", SCORECARD)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the run's folder")
    folder: Path = parser.parse_args(arguments).folder
    run, results = load(folder)
    short = summarize(run, results)
    from chaos.scorecard.chart import chart  # noqa: PLC0415 # matplotlib takes a second to import, and only this draws

    page.save(folder, short, {result.name: chart(result) for result in results})
    summary.save(folder, short)
    junit.save(folder, short)
    console = Console()
    terminal.show(short, console)
    console.print(f"{folder / 'scorecard.html'}", style="dim", markup=False)
    return code(short)


def _diff(arguments: list[str]) -> int:
    parser = _parser("python -m chaos.scorecard diff", diff.__doc__ or "")
    parser.add_argument("before", type=Path, metavar="BEFORE", help="the folder of the run to compare with")
    parser.add_argument("after", type=Path, metavar="AFTER", help="the folder of the run in question")
    parsed = parser.parse_args(arguments)
    before, after = (summarize(*load(folder)) for folder in (parsed.before, parsed.after))
    changes = diff.diff(before, after)
    diff.show(before, after, changes, Console())
    return int(any(change.worse for change in changes))


def _parser(program: str, text: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=program, description=text, formatter_class=argparse.RawDescriptionHelpFormatter)


def code(summary: Summary) -> int:
    """The exit code that tells a run's verdict and, where all passed, its clean-up."""
    if summary.verdict is Verdict.PASSED and summary.totals.clean_ups_failed:
        return CLEAN_UP_FAILED
    return CODES[summary.verdict]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
