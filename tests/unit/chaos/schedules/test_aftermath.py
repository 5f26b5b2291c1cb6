import pytest
from aiohttp import ClientSession, ServerDisconnectedError

from chaos.checkers.writes import Ack, Write
from chaos.record import Finding, Verdict
from chaos.schedules import aftermath
from chaos.schedules.aftermath import Look, not_acknowledged, settled
from chaos.vectors import Vectors


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aftermath, "POLL_S", 0.0)


def saying(*answers: list[str] | Exception) -> Look:
    """Says one after the other, and the last one from then on."""
    left = [*answers]

    async def look() -> list[str]:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return look


async def found(**looks: Look) -> dict[str, Finding]:
    ticks = iter(range(100))
    return {one.check: one for one in await settled(looks, within_s=5, clock=lambda: float(next(ticks)))}


async def test_all_must_be_right_at_once() -> None:
    findings = await found(first=saying([], ["bad"], []), second=saying(["bad"], [], []))
    assert {one.verdict for one in findings.values()} == {Verdict.PASSED}
    assert findings["first"].evidence["seconds"] == 3


async def test_what_does_not_become_right_in_time_fails_and_says_what_is_wrong() -> None:
    findings = await found(right=saying([]), wrong=saying(["query is away", "redis too"]))
    assert findings["right"].verdict is Verdict.PASSED
    assert findings["wrong"].verdict is Verdict.FAILED
    assert findings["wrong"].said == "not 6.0 s after healing: query is away; redis too"


async def test_what_cannot_be_looked_at_is_not_right_yet() -> None:
    findings = await found(look=saying(ConnectionRefusedError("no"), ServerDisconnectedError(), []))
    assert findings["look"].verdict is Verdict.PASSED
    assert findings["look"].evidence["seconds"] == 3


async def test_points_that_no_write_of_was_acknowledged_are_to_be_written_again() -> None:
    async with ClientSession() as opened:
        vectors = Vectors(opened, {}, clock=lambda: 0.0)
        told = [("1", Ack.REFUSED), ("1", Ack.ACKNOWLEDGED), ("3", Ack.UNKNOWN), ("2", Ack.REFUSED), ("2", Ack.UNKNOWN)]
        vectors.writes += [Write(element, 1.0, ack) for element, ack in told]
        assert not_acknowledged(vectors) == [2, 3]
