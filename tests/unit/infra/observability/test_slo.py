from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from chaos.checkers.steady import Steady
from infra.observability.slo import FILE, SLO, read
from loadtests.mix import OPERATIONS


def test_the_file_gives_every_figure() -> None:
    assert SLO.load.rate == 1000
    assert SLO.generator.achieved_share == 0.95
    assert SLO.generator.cpu_share == 0.8


def test_every_operation_of_the_load_has_a_promise_and_no_other_has() -> None:
    assert SLO.load.operations.keys() == {operation.name for operation in OPERATIONS}


def test_the_chaos_suite_calls_steady_what_the_file_does() -> None:
    assert (Steady().good_share, Steady().p95_s) == (SLO.steady.good_share, SLO.steady.p95_s)


@pytest.mark.parametrize(
    ("section", "figure", "value"), [("load", "rate", 0), ("steady", "good_share", 1.5), ("alerts", "other", 1)]
)
def test_a_figure_that_cannot_be_is_refused(tmp_path: Path, section: str, figure: str, value: float) -> None:
    figures = yaml.safe_load(FILE.read_text())
    figures[section][figure] = value
    file = tmp_path / "slo.yaml"
    file.write_text(yaml.safe_dump(figures))
    with pytest.raises(ValidationError, match=figure):
        read(file)
