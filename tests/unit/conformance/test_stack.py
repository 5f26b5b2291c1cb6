import pytest

from conformance import stack as module
from conformance.check import ConformanceError, NonconformingError, NotApplicableError
from conformance.http import ask
from conformance.stack import Stack
from tests.ports import free_port
from tests.unit.conformance.conftest import Asked, Lab, Said, outputs


def after(refusals: int, *, retry_after: str) -> tuple[list[int], object]:
    """A gateway that refuses so often before it lets pass."""
    asked: list[int] = []

    def answer(_: Asked) -> Said:
        asked.append(1)
        if len(asked) <= refusals:
            return Said(429, {"message": "API rate limit exceeded"}, {"Retry-After": retry_after})
        return Said(200, {})

    return asked, answer


def test_whoever_has_used_up_its_requests_waits_as_it_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = after(2, retry_after="7")
    waited: list[float] = []
    said: list[str] = []
    stack = lab.stack(answer)  # type: ignore[arg-type]  # an answer
    stack.say = said.append
    monkeypatch.setattr(module, "sleep", waited.append)
    assert stack.ask("GET", "/").status == 200
    assert (len(asked), waited) == (3, [7, 7])
    assert said == ["waiting 7 s for the gateway's budget"] * 2


def test_nobody_waits_for_an_hour(lab: Lab) -> None:
    _, answer = after(1, retry_after="3000")
    with pytest.raises(ConformanceError, match="app has used up its requests of this hour; repeat this in 3000 s"):
        lab.stack(answer).ask("GET", "/")  # type: ignore[arg-type]  # an answer


def test_the_last_problem_is_told_when_nothing_comes_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.01)
    stack = Stack(outputs({}))
    with pytest.raises(NonconformingError, match=r"not within 0\.03 s: it is up; not yet so"):
        stack.until(lambda: False, 0.03, "it is up")
    with pytest.raises(NonconformingError, match=r"it is up; GET http://127.*no answer"):
        stack.until(lambda: bool(ask(f"http://127.0.0.1:{free_port()}", "GET", "/")), 0.03, "it is up")


def test_a_port_is_reached_where_it_is_published() -> None:
    stack = Stack(outputs({"query/http": 7}))
    assert stack.url("query") == "http://127.0.0.1:7"
    with pytest.raises(NotApplicableError, match="query/grpc is not published"):
        stack.url("query", "grpc")
    far = Stack(outputs({"query/http": 7}) | {"gateway": "http://gpu-1:8000"})
    with pytest.raises(NotApplicableError, match="query/http is published for gpu-1 itself"):
        far.url("query")


def test_an_answer_without_a_header_or_json_is_a_failure(lab: Lab) -> None:
    answer = lab.stack(lambda _: Said(200, b"text")).ask("GET", "/")
    with pytest.raises(NonconformingError, match="GET /: 200 text: no header X-None"):
        answer.header("X-None")
    with pytest.raises(NonconformingError, match="GET /: 200 text: no JSON"):
        answer.json()
