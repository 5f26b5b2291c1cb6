import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from chaos import entries, faults, heal
from chaos.entries import Entry
from chaos.faults import FaultNotInForceError, Saved
from chaos.heal import heal_left_over
from chaos.ledger import Ledger
from chaos.process import Process
from chaos.record import Verdict
from chaos.stack import Stack
from infra.targets.local.paths import StackPaths
from infra.topology import topology

DONE: list[str] = []
"""What the fakes were told to do, with what the ledger held at that moment."""


@dataclass(frozen=True)
class Fake:
    """A fault that does nothing, and fails at the steps that it is told to."""

    kind: ClassVar[str] = "fake"
    name: str = "it"
    fails: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return "somewhere"

    def describe(self) -> str:
        return f"fake {self.name}"

    def _do(self, step: str, stack: Stack) -> None:
        DONE.append(f"{step} {self.name}, {len(entries.files(stack))} entries")
        if f"{step} {sum(done.startswith(step) for done in DONE)}" in self.fails or step in self.fails:
            raise FaultNotInForceError(f"no {step}")

    def prepare(self, stack: Stack) -> Saved:
        self._do("prepare", stack)
        return {"before": self.name}

    def inject(self, stack: Stack, saved: Saved) -> None:
        self._do("inject", stack)

    def verify(self, stack: Stack, saved: Saved) -> None:
        self._do("verify", stack)

    def heal(self, stack: Stack, saved: Saved) -> None:
        assert saved == {"before": self.name}
        self._do("heal", stack)


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(faults.FAULTS, "fake", Fake)
    monkeypatch.setattr(entries, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(heal, "SETTLE_S", 0.0)
    DONE.clear()
    yield
    DONE.clear()


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack("test", StackPaths(tmp_path), topology(300), {"interServiceSecret": "hidden"})


@pytest.fixture
def ledger(stack: Stack) -> Ledger:
    ticks = iter(range(100))
    return Ledger(stack, lambda: float(next(ticks)))


def test_an_entry_is_there_before_the_injection_and_until_the_healing(stack: Stack, ledger: Ledger) -> None:
    with ledger.injected(Fake()) as window:
        assert (window.fault, window.started, window.ended) == ("fake it", 0.0, None)
    assert DONE == [
        "prepare it, 0 entries",
        "inject it, 1 entries",
        "verify it, 1 entries",
        "verify it, 1 entries",
        "heal it, 1 entries",
    ]
    assert entries.files(stack) == []
    assert [(w.started, w.ended) for w in ledger.windows] == [(0.0, 1.0)]
    assert ledger.clean_up().verdict == Verdict.PASSED


def test_an_entry_says_what_heals_it_and_who_answers_for_it_and_is_the_owners_alone(
    stack: Stack, ledger: Ledger
) -> None:
    with ledger.injected(Fake(), lease_s=60):
        (path,) = entries.files(stack)
        document = json.loads(path.read_text())
        assert document["fault"] == {"kind": "fake", "name": "it", "fails": []}
        assert document["saved"] == {"before": "it"}
        assert document["runner"]["pid"] == os.getpid()
        assert 50 < document["lease_until"] - time.time() < 61
        assert path.stat().st_mode & 0o077 == 0
        assert "hidden" not in (stack.folder / "stack.json").read_text()


def test_faults_inside_one_another_are_healed_from_the_inside_out(ledger: Ledger) -> None:
    with ledger.injected(Fake("outer")), ledger.injected(Fake("inner")):
        pass
    assert [done for done in DONE if done.startswith("heal")] == ["heal inner, 2 entries", "heal outer, 1 entries"]


@pytest.mark.parametrize("step", ["inject", "verify"])
def test_a_fault_that_cannot_be_injected_is_healed_and_has_no_window(ledger: Ledger, step: str) -> None:
    with pytest.raises(FaultNotInForceError, match=f"no {step}"), ledger.injected(Fake(fails=(step,))):
        pytest.fail("the block was entered")
    assert DONE[-1].startswith("heal")
    assert ledger.windows == []


def test_a_fault_that_cannot_be_prepared_leaves_nothing_to_heal(stack: Stack, ledger: Ledger) -> None:
    with pytest.raises(FaultNotInForceError), ledger.injected(Fake(fails=("prepare",))):
        pytest.fail("the block was entered")
    assert DONE == ["prepare it, 0 entries"]


def test_a_fault_that_is_gone_before_its_end_is_told_of(ledger: Ledger) -> None:
    with pytest.raises(FaultNotInForceError, match="no verify"), ledger.injected(Fake(fails=("verify 2",))):
        pass
    assert DONE[-1].startswith("heal")
    assert ledger.clean_up().verdict == Verdict.PASSED


def test_neither_the_blocks_error_nor_that_of_healing_hides_the_other(stack: Stack, ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="the verdict"), ledger.injected(Fake(fails=("heal",))):
        raise ValueError("the verdict")
    assert [done[:4] for done in DONE].count("heal") == 3
    found = ledger.clean_up()
    assert found.verdict == Verdict.FAILED
    assert "fake it: not healed" in found.said
    assert len(ledger.windows) == len(entries.files(stack)) == 1


def test_what_could_not_be_healed_is_tried_again_by_whoever_comes_next(stack: Stack, ledger: Ledger) -> None:
    with ledger.injected(Fake(fails=("heal 1", "heal 2", "heal 3"))):
        pass
    healing = heal_left_over(stack)
    assert len(healing.healed) == 1
    assert entries.files(stack) == []


def test_a_healing_that_succeeds_at_a_later_attempt_is_one(ledger: Ledger) -> None:
    with ledger.injected(Fake(fails=("heal 1",))):
        pass
    assert ledger.clean_up().verdict == Verdict.PASSED


def entry(name: str, runner: Process, lease_s: float = 60, *fails: str) -> Entry:
    return Entry(faults.to_json(Fake(name, fails)), {"before": name}, runner, time.time() + lease_s)


def test_left_over_is_what_no_living_runner_holds_and_the_newest_is_healed_first(stack: Stack) -> None:
    me = Process.of(os.getpid())
    assert me is not None
    dead = replace(me, started=me.started - 1)  # the pid lives, as another process
    for left in (
        entry("first", dead),
        entry("held", me),
        entry("stuck", dead, 60, "heal"),
        entry("expired", me, -1),
    ):
        entries.write(stack, left)
    healing = heal_left_over(stack)
    assert [line.split()[1] for line in healing.healed] == ["name=expired", "name=first"]
    assert [line.split()[1] for line in healing.held] == ["name=held"]
    assert len(healing.problems) == 1
    assert "no heal" in healing.problems[0]
    assert len(entries.files(stack)) == 2


def test_an_entry_that_nobody_can_read_is_reported_and_hinders_no_other(stack: Stack) -> None:
    me = Process.of(os.getpid())
    assert me is not None
    entries.write(stack, entry("expired", me, -1))
    (stack.folder / "ledger" / "0.json").write_text("{")
    healing = heal_left_over(stack)
    assert len(healing.healed) == len(healing.problems) == 1
    assert str(healing).splitlines()[1].startswith("not healed: 0.json")


def test_a_stack_can_be_healed_by_what_is_saved_of_it(stack: Stack) -> None:
    assert Stack.load(stack.paths.root) is None
    stack.save()
    assert Stack.load(stack.paths.root) == replace(stack, secrets={})
