import jwt
import pytest

from conformance.checks import limits
from tests.unit.conformance.conftest import Asked, Lab, Said

TOLD = "every answer tells the limits and what is left"
COUNTED = "what is left goes down with each request"
EXCEEDED = "too many are refused, and told when to come back"


class Gateway:
    """Counts each consumer's requests of a minute, which begins anew whenever somebody has waited."""

    def __init__(self, limit: int = 60, **defects: object) -> None:
        self.limit, self.defects = limit, defects
        self.used: dict[str, int] = {}

    def __call__(self, asked: Asked) -> Said:
        token = asked.headers["Authorization"].partition(" ")[2]
        consumer = jwt.decode(token, options={"verify_signature": False})["sub"]
        counted = "all" if self.defects.get("together") else consumer
        used = self.used[counted] = self.used.get(counted, 0) + 1
        left = max(0, self.limit - used)
        told = {
            "X-RateLimit-Limit-Minute": str(self.limit),
            "X-RateLimit-Remaining-Minute": str(self.defects.get("left", left)),
            "X-RateLimit-Limit-Hour": "1000",
            "X-RateLimit-Remaining-Hour": str(1000 - used),
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.defects.get("left", left)),
        }
        told = {key: value for key, value in told.items() if key not in self.defects}
        if used <= self.limit or self.defects.get("lets_pass"):
            return Said(400, {"error": "Bad Request", "detail": "q"}, told)
        return Said(
            429, {"message": "API rate limit exceeded"}, {**told, "Retry-After": str(self.defects.get("wait", 7))}
        )

    def sleep(self, _seconds: float) -> None:
        if not self.defects.get("for_ever"):
            self.used.clear()


def noticed(lab: Lab, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(limits, "sleep", gateway.sleep)
    return lab.failed(limits, gateway)


def test_a_gateway_that_counts_and_says_so_conforms(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    assert noticed(lab, Gateway(), monkeypatch) == {}


@pytest.mark.parametrize(
    ("defects", "check"),
    [
        ({"X-RateLimit-Limit-Hour": None}, TOLD),
        ({"left": 61}, TOLD),
        ({"left": "many"}, TOLD),
        ({"left": 59}, COUNTED),
        ({"wait": 0}, EXCEEDED),
        ({"wait": 3600}, EXCEEDED),
        ({"for_ever": True}, EXCEEDED),
        ({"together": True}, EXCEEDED),
    ],
)
def test_a_gateway_that_counts_wrongly_is_noticed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, defects: dict[str, object], check: str
) -> None:
    assert check in noticed(lab, Gateway(**defects), monkeypatch)  # type: ignore[arg-type]  # defects by their names


@pytest.mark.parametrize(
    ("gateway", "reason"),
    [
        (Gateway(5000), "5000 requests a minute cannot be exceeded within 0.2 s"),
        (Gateway(999), "other has 992 requests left in this hour"),
        (Gateway(lets_pass=True), "this machine does not make enough requests in 0.2 s"),
    ],
)
def test_a_limit_that_cannot_be_exceeded_soon_is_left_alone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, gateway: Gateway, reason: str
) -> None:
    monkeypatch.setattr(limits, "EXCEEDED_S", 0.2)
    last = lab.results(limits, lab.stack(gateway))[-1]
    assert (last.name, last.verdict, last.reason) == (EXCEEDED, "not applicable", reason)
