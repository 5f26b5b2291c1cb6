from email.message import Message

import pytest

from conformance.check import NonconformingError
from conformance.http import Answer
from infra.rollout import probing
from infra.rollout.measurements import Routing
from infra.rollout.probing import Prober, Releases, counted, probes_a_look
from services.common.middleware.request_id import SYNTHETIC

RELEASES = Releases("one", "two")
NONE = Routing(0, 0, 0, 0, 0.0)


def answer(status: int, release: str | None = None) -> Answer:
    headers = Message()
    if release:
        headers["X-Release"] = release
    return Answer("GET /", status, headers)


@pytest.mark.parametrize(
    ("status", "release", "weight", "expected"),
    [
        (200, "one", 0.5, Routing(1, 0, 0, 0, 0.5)),
        (200, "two", 0.5, Routing(1, 0, 0, 1, 0.5)),
        (422, "two", 1.0, Routing(1, 0, 0, 1, 1.0)),  # a service's own word, and all it takes
        (404, "one", 0.5, Routing(1, 1, 0, 0, 0.0)),
        (404, "two", 0.5, Routing(1, 1, 0, 0, 0.0, 1)),
        (404, None, 0.5, Routing(1, 1, 0, 0, 0.0)),
        (502, None, 0.5, Routing(1, 1, 0, 0, 0.0)),
        (504, None, 0.5, Routing(1, 1, 0, 0, 0.0)),
        (503, None, 0.5, Routing(1, 1, 0, 0, 0.0)),  # the gateway's own word
        (503, "two", 0.5, Routing(1, 0, 0, 1, 0.5)),
        (200, None, 0.5, Routing(1, 0, 1, 0, 0.0)),
        (200, "three", 0.5, Routing(1, 0, 1, 0, 0.0)),
        (200, "two", 0.0, Routing(1, 0, 1, 0, 0.0)),
        (200, "one", 1.0, Routing(1, 0, 1, 0, 0.0)),
    ],
)
def test_an_answer_is_counted_by_its_status_and_its_release(
    status: int, release: str | None, weight: float, expected: Routing
) -> None:
    assert counted(answer(status, release), RELEASES, weight) == expected


def test_the_weight_is_that_of_all_that_answered() -> None:
    counts = counted(answer(200, "two"), RELEASES, 1.0) + counted(answer(200, "one"), RELEASES, 0.0)
    assert (counts.by_candidate, counts.weight) == (1, 0.5)


def test_probes_go_to_every_service_with_a_token_and_end_where_the_gateway_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def ask(_url: str, _method: str, path: str, *, headers: dict[str, str], timeout_s: float) -> Answer:
        assert headers.pop("X-Request-ID").startswith(SYNTHETIC)
        assert headers == {"Authorization": "Bearer token"}
        assert timeout_s <= 5
        asked.append(path)
        if len(asked) == 2:
            raise NonconformingError("no answer")
        return answer(429 if len(asked) == 6 else 200, "one")

    monkeypatch.setattr(probing, "ask", ask)
    counts = Prober("http://gateway", lambda: "token", RELEASES).routing({"query": 50}, 40)
    assert len(set(asked)) == 4
    assert (counts.probes, counts.wrong_release, len(asked)) == (4, 0, 6)


@pytest.mark.parametrize(("limit", "interval_s", "probes"), [(600_000, 1.0, 60), (100, 30.0, 10), (100, 1.0, 4)])
def test_probes_leave_a_consumer_most_of_its_requests(limit: int, interval_s: float, probes: int) -> None:
    assert probes_a_look(limit, interval_s) == probes
