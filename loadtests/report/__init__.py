"""The report of a load, in all its forms, from the record in the run's folder."""

from pathlib import Path

from rich.console import Console

from chaos.record import Verdict
from loadtests import record, samples, summary
from loadtests.report import junit, page, tables, terminal

EXIT = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.UNKNOWN: 3}


def write(folder: Path, console: Console) -> int:
    """Write every form, print the short one, and return the exit code; raises OSError for a folder without a run."""
    run = record.load_run(folder)
    counted = samples.load(folder / record.SAMPLES)
    used = record.load_usage(folder)
    short = summary.summarize(run, counted, used)
    summary.save(folder, short)
    junit.save(folder, short)
    tables.save(folder, short, counted)
    page.save(folder, short, counted, used)
    terminal.show(short, console)
    console.print(str(folder / page.NAME), style="dim", markup=False, soft_wrap=True)
    return EXIT[short.verdict]
