"""The harness itself is sabotaged: whatever is wrong with it, no experiment passes for it, and no verdict is lost."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chaos import entries
from chaos.checkers.safely import safely
from chaos.experiment import Entry, Experiment
from chaos.experiment import experiment as declared
from chaos.faults import Down, FaultNotInForceError
from chaos.record import Finding, Run, Verdict
from chaos.stack import Stack
from chaos.suite import Suite
from chaos.toxiproxy import Proxy, Toxiproxy, ToxiproxyError
from infra.free_ports import free_offset
from infra.gateway.tokens import secret_name
from infra.targets.local.paths import StackPaths
from infra.topology import topology

FAULT = Down("query->ollama")


@dataclass(frozen=True)
class Injector(Toxiproxy):
    """Says of its one proxy what it is told to say, one word after the other, the last again and again."""

    enabled: Iterator[bool] = field(default_factory=lambda: iter(()))
    heals: bool = True

    def proxy(self, name: str) -> Proxy:
        return Proxy(name, "", "", next(self.enabled), ())

    def enable(self, proxy: str, enabled: bool) -> None:
        if enabled and not self.heals:
            raise ToxiproxyError("Toxiproxy does not answer")


@dataclass(frozen=True)
class SabotagedStack(Stack):
    injector: Injector = field(default_factory=lambda: Injector(0))

    @property
    def toxiproxy(self) -> Toxiproxy:
        return self.injector


def experiment(folder: Path, *enabled: bool, heals: bool = True) -> Experiment:
    words = iter([*enabled, *[enabled[-1]] * 10])
    secrets = {secret_name("app"): "s" * 32}
    stack = SabotagedStack("s", StackPaths(folder), topology(free_offset()), secrets, Injector(0, words, heals))
    run = Run("r", datetime.now(UTC), True, 1, {}, {})
    return Experiment(Suite(stack, run, folder, 2.0), Entry("it", "It.", ("breakers",)))


async def test_an_injector_that_pretends_leaves_the_experiment_unknown(tmp_path: Path) -> None:
    e = experiment(tmp_path, True)
    with pytest.raises(FaultNotInForceError):
        async with e, e.broken(FAULT):
            e.expect("survives", True, "what was not broken works")
    assert e.result().verdict is Verdict.UNKNOWN
    assert [finding.check for finding in e.findings] == ["experiment"]
    assert "takes connections" in e.findings[0].said


async def test_a_fault_that_vanishes_meanwhile_leaves_the_experiment_unknown(tmp_path: Path) -> None:
    e = experiment(tmp_path, True, False, True)
    with pytest.raises(FaultNotInForceError):
        async with e, e.broken(FAULT):
            e.expect("survives", True, "what was broken for a moment works")
    assert [(finding.check, finding.verdict) for finding in e.findings] == [
        ("survives", Verdict.PASSED),
        ("experiment", Verdict.UNKNOWN),
    ]
    assert e.result().verdict is Verdict.UNKNOWN


async def test_a_clean_up_that_fails_is_told_beside_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "PAUSES_S", ())
    async with (e := experiment(tmp_path, True, False, heals=False)), e.broken(FAULT):
        e.expect("survives", True, "it does")
    result = e.result()
    assert result.verdict is Verdict.PASSED
    assert result.clean_up.verdict is Verdict.FAILED
    assert "does not answer" in result.clean_up.said


async def test_a_clean_up_that_fails_does_not_hide_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "PAUSES_S", ())
    e = experiment(tmp_path, True, False, heals=False)
    async with e, e.broken(FAULT):
        e.expect("survives", False, "it does not")
    result = e.result()
    assert result.verdict is Verdict.FAILED
    assert result.clean_up.verdict is Verdict.FAILED


async def test_a_checker_that_crashes_leaves_the_experiment_unknown(tmp_path: Path) -> None:
    @safely("sums")
    def crashes() -> Finding:
        raise ZeroDivisionError

    async with (e := experiment(tmp_path, True)):
        e.expect("survives", True, "it does")
        e.check(crashes())
    assert e.result().verdict is Verdict.UNKNOWN
    assert "ZeroDivisionError" in e.findings[1].said


async def test_an_experiment_that_checks_nothing_is_unknown(tmp_path: Path) -> None:
    async with (e := experiment(tmp_path, True)):
        pass
    assert e.result().verdict is Verdict.UNKNOWN


def tries(*findings: Finding | None) -> tuple[Callable[..., Awaitable[None]], list[int]]:
    """An experiment that finds one thing at each try, or nothing, and how often it was tried."""
    found, tried = iter(findings), list[int]()

    @declared("breakers")
    async def test_it(e: Experiment) -> None:
        """It."""
        tried.append(1)
        if finding := next(found):
            e.check(finding)

    return test_it, tried


GOOD, BAD, UNKNOWN = (
    Finding("c", verdict, str(verdict)) for verdict in (Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN)
)


@pytest.mark.parametrize(
    ("findings", "passes", "times"),
    [
        ((GOOD,), True, 1),
        ((UNKNOWN, GOOD), True, 2),
        ((UNKNOWN, UNKNOWN, GOOD), True, 3),
        ((UNKNOWN, UNKNOWN, UNKNOWN), False, 3),
        ((UNKNOWN, BAD), False, 2),
        ((BAD,), False, 1),
        ((None, None, None), False, 3),
    ],
)
async def test_what_is_unknown_is_tried_again_and_what_failed_is_not(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    findings: tuple[Finding | None, ...],
    passes: bool,
    times: int,
) -> None:
    async def is_well(_: Experiment) -> None:
        pass

    monkeypatch.setattr(Experiment, "ready", is_well)
    test, tried = tries(*findings)
    suite = experiment(tmp_path, True).suite
    if passes:
        await test(suite)
    else:
        with pytest.raises(AssertionError):
            await test(suite)
    assert len(tried) == times
