"""What a load shows in the terminal while it runs: one line, or where there is no terminal, a line now and then."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from infra.pages.text import duration
from loadtests.measure import measure
from loadtests.record import Run
from loadtests.samples import Samples
from loadtests.shapes import length, spans

RECENT_S = 3  # what is shown is of the last whole seconds
SETTLED_S = 2  # so long ago their answers have come
EVERY_S = 10  # where there is no terminal

Show = Callable[[Samples], None]


@contextmanager
def shown(run: Run, console: Console | None = None) -> Iterator[Show]:
    """What to call with what is known, once a second."""
    console = console or Console()
    total = length(run.stages)
    if not console.is_terminal:
        yield partial(_now_and_then, run, console, [0])
        return
    columns = (TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[time]}  {task.fields[says]}"))
    with Progress(*columns, console=console, auto_refresh=False) as bar:
        task = bar.add_task(run.shape, total=total, time="", says="starting")

        def show(samples: Samples) -> None:
            at = min(samples.until, total)
            time = f"{at:.0f}/{total:.0f} s"
            bar.update(
                task, description=_stage(run, at), completed=at, time=time, says=_says(run, samples), refresh=True
            )

        yield show


def _now_and_then(run: Run, console: Console, told: list[int], samples: Samples) -> None:
    turn = int(samples.until / EVERY_S)
    if turn > told[0]:
        told[0] = turn
        console.print(f"{samples.until:.0f} s, {_stage(run, samples.until)}: {_says(run, samples)}", highlight=False)


def _stage(run: Run, at: float) -> str:
    return next((stage.name for stage, _, end in spans(run.stages) if at < end), "the last answers")


def _says(run: Run, samples: Samples) -> str:
    end = min(int(samples.until) - SETTLED_S, length(run.stages))
    if end < 1:
        return "starting"
    now = measure(samples, run.stages, max(0, end - RECENT_S), end)
    wrong = sum(samples.errors.values())
    p95 = duration(now.whole.quantiles["p95"]) if now.whole.requests else "none"
    return (
        f"{now.achieved:.0f} of {now.intended:.0f}/s, p95 {p95}, {wrong} errors, "
        f"generator {now.generator_cpu:.0%} of a core"
    )
