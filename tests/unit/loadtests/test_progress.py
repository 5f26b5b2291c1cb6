import io

from rich.console import Console

from loadtests import progress
from loadtests.samples import Samples
from loadtests.shapes import SHAPES
from tests.unit.loadtests.loads import Made, a_run, counted

STAGES = SHAPES["guard"].built()


def told(console: Console) -> str:
    with progress.shown(a_run("guard"), console) as show:
        show(Samples())
        samples = counted(STAGES, Made(achieved=0.9))
        show(samples)
        show(samples)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_a_line_comes_now_and_then() -> None:
    said = told(Console(file=io.StringIO(), width=120))
    assert said == "15 s, the last answers: 180 of 200/s, p95 10 ms, 0 errors, generator 30% of a core\n"


def test_in_a_terminal_it_is_one_line_that_changes() -> None:
    said = told(Console(file=io.StringIO(), width=120, force_terminal=True))
    assert "15/15 s" in said
    assert "180 of 200/s" in said
