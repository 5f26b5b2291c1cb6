import pytest

from conformance.checks import mistakes
from conformance.checks.mistakes import WRONG
from tests.unit.conformance.conftest import Answer, Asked, Lab, Said


def right(asked: Asked) -> Said:
    for wrong in WRONG:
        bare = "X-Request-Deadline" in wrong.headers
        same = (wrong.method, wrong.path, bare) == (asked.method, asked.path, "X-Request-Deadline" in asked.headers)
        if same and sent(wrong.body) == asked.body:
            return Said(wrong.status, {"error": "wrong", "detail": f"{wrong.says} is wrong"})
    raise AssertionError(asked)


def sent(body: object) -> bytes:
    import json

    return body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()


def where(status: int, said: Said) -> Answer:
    """The right service, but for what gets that status."""
    return lambda asked: said if right(asked).status == status else right(asked)


def names(status: int) -> set[str]:
    return {f"{wrong.what} gets {wrong.status}" for wrong in WRONG if wrong.status == status}


def test_a_service_that_says_what_is_wrong_conforms(lab: Lab) -> None:
    assert lab.failed(mistakes, right) == {}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (413, Said(200, {"answer": "as long as you like"})),
        (400, Said(422, {"error": "x", "detail": "x"})),
        (400, Said(400, {"error": "x"})),
        (400, Said(400, b"<h1>Bad Request</h1>")),
        (404, Said(500, {"error": "Internal Server Error"})),
    ],
)
def test_another_answer_to_wrong_input_is_noticed(lab: Lab, status: int, said: Said) -> None:
    assert set(lab.failed(mistakes, where(status, said))) == names(status)
