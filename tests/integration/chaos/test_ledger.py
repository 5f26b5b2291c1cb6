"""The ledger against real processes: whoever dies, nothing of a fault stays."""

import multiprocessing
import random
import time
from collections.abc import Iterator

import psutil
import pytest

from chaos.faults import Fault, FaultNotInForceError, Kill, Latency, Pause
from chaos.heal import heal_left_over, heal_stacks
from chaos.ledger import Ledger
from chaos.record import Verdict
from chaos.stack import UP, Stack
from chaos.watchdog import watching
from tests.integration.chaos import runner
from tests.integration.chaos.running import EDGE, eventually, small_stack

SEED = 20251102


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with small_stack("toxiproxy", "ollama") as running:
        yield running


def belongs(process: psutil.Process, stack: Stack) -> bool:
    """Whether the process is a watchdog of this stack, or was started by a runner of these tests."""
    root = str(stack.paths.root)
    try:
        return root in process.cmdline() or process.environ().get("BREAKWATER_HOME") == root
    except psutil.Error:
        return False


def left(stack: Stack) -> list[str]:
    """What is still there of any fault."""
    proxy = stack.toxiproxy.proxy(EDGE)
    process = stack.process("ollama")
    family = process.family() if process else []
    lines = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"]) if belongs(one, stack)]
    found = {
        "a toxic": proxy.toxics,
        "a proxy that is down": not proxy.enabled,
        "a proxy that leads elsewhere": proxy.upstream != stack.address("ollama"),
        "a stopped process": "T" in [one.state for one in family],
        "a component that is down": stack.state("ollama") not in UP,
        "an entry": list((stack.folder / "ledger").glob("*.json")),
        "a helper": [line for line in lines if {"chaos.helpers.flapper", "chaos.helpers.babbler"} & set(line)],
        "a watchdog": [line for line in lines if "chaos.watchdog" in line],
    }
    return [what for what, there in found.items() if there]


def test_nothing_of_a_fault_survives_a_runner_that_is_killed_at_any_moment(stack: Stack) -> None:
    context = multiprocessing.get_context("forkserver")  # ten runners for the price of one import
    context.set_forkserver_preload([runner.__name__])
    chance = random.Random(SEED)
    number = caught = 0
    while number < 10 or caught < 5:
        assert number < 50, f"of {number} kills only {caught} fell into a fault"
        watched = number % 5 == 0
        begun, began = context.Pipe(duplex=False)
        arguments = (str(stack.paths.root), stack.topology.offset, SEED + number, watched, began)
        process = context.Process(target=runner.run, args=arguments)
        process.start()
        began.close()
        assert begun.recv() == "begun"
        begun.close()
        time.sleep(chance.uniform(0, 0.3))  # not a wait for something: the moment of the kill is what is tested
        assert process.is_alive()
        process.kill()
        process.join()
        process.close()
        caught += bool(left(stack))
        if not watched:
            healing = heal_left_over(stack)
            assert healing.problems == healing.held == ()
        eventually(lambda: not left(stack), 8)
        number += 1


@pytest.mark.parametrize(
    "fault", [Latency(EDGE, latency_ms=50), Pause("ollama"), Kill("ollama", stays_down=True)], ids=lambda f: f.kind
)
def test_a_fault_is_in_force_inside_its_block_alone(stack: Stack, fault: Fault) -> None:
    ledger = Ledger(stack, time.monotonic)
    started = time.monotonic()
    with ledger.injected(fault) as window:
        assert set(left(stack)) > {"an entry"}
    eventually(lambda: not left(stack))
    (recorded,) = ledger.windows
    assert started < recorded.started == window.started <= (recorded.ended or 0) < time.monotonic()
    assert (recorded.kind, recorded.target) == (fault.kind, fault.target)
    assert ledger.clean_up().verdict == Verdict.PASSED


def test_what_a_living_runner_holds_is_left_alone(stack: Stack) -> None:
    with Ledger(stack, time.monotonic).injected(Latency(EDGE)):
        healing = heal_left_over(stack)
        assert healing.healed == healing.problems == ()
        assert "latency_ms=1000" in str(healing)
        assert stack.toxiproxy.proxy(EDGE).toxics
    assert not left(stack)


def test_a_watchdog_heals_when_the_lease_is_over_and_the_runner_gets_to_know(stack: Stack) -> None:
    ledger = Ledger(stack, time.monotonic)

    def outlive_the_lease() -> None:
        with ledger.injected(Latency(EDGE), lease_s=0.1):
            eventually(lambda: left(stack) == ["a watchdog"])

    with watching(stack), pytest.raises(FaultNotInForceError):
        outlive_the_lease()
    assert not left(stack)
    assert ledger.clean_up().verdict == Verdict.FAILED
    assert "healed by the watchdog" in ledger.clean_up().said


def test_the_command_heals_what_it_can_and_says_so(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BREAKWATER_HOME", str(stack.paths.root.parent))
    block = Ledger(stack, time.monotonic).injected(Latency(EDGE), lease_s=0)
    block.__enter__()  # and never out of it again
    assert heal_stacks() == 0
    assert not left(stack)
    assert heal_stacks(stack.paths.root.name) == 0
    healed = "kind=latency edge=query->ollama stream=down latency_ms=1000 jitter_ms=0"
    assert capsys.readouterr().out == f"{stack.name}: healed: {healed}\nnothing to heal\n"
