import pytest

from conformance.checks import legacy
from conformance.checks.legacy import lasting, successor
from tests.unit.conformance.conftest import Answer, Asked, Lab, Said, gateway_404

NOTICE = {"Deprecation": "@1", "Sunset": "Wed, 30 Jun 2027 00:00:00 GMT"}


def right(asked: Asked) -> Said:
    body = {"error": "Not Found", "detail": asked.route.rpartition("/")[2], "took_ms": hash(asked.path)}
    if asked.route.startswith("/api/v1/"):
        return Said(404, body)
    newer = successor(asked.route)
    body["detail"] = newer.rpartition("/")[2]
    return Said(404, body, {**NOTICE, "Link": f'<{newer}>; rel="successor-version"'})


def changed(path: str, **changes: object) -> Answer:
    """The right stack, with other headers (None: without) at one path."""

    def answer(asked: Asked) -> Said:
        said = right(asked)
        headers = {key: value for key, value in {**said.headers, **changes}.items() if value is not None}
        return Said(said.status, said.body, headers) if asked.route == path else said  # type: ignore[arg-type]  # text

    return answer


def test_older_paths_that_answer_the_same_with_a_notice_conform(lab: Lab) -> None:
    assert lab.failed(legacy, right) == {}


@pytest.mark.parametrize(
    ("defect", "noticed"),
    [
        (changed("/search", Deprecation=None), "GET /search names its successor"),
        (changed("/collections", Sunset=None), "GET /collections names its successor"),
        (changed("/api/docs", Link='</api/v2/docs>; rel="successor-version"'), "GET /api/docs names its successor"),
        (changed("/api/v1/docs", Deprecation="@1"), "GET /api/docs answers the same as its successor"),
    ],
)
def test_a_wrong_notice_is_noticed_by_its_check(lab: Lab, defect: Answer, noticed: str) -> None:
    assert list(lab.failed(legacy, defect)) == [noticed]


def test_another_body_or_status_is_noticed(lab: Lab) -> None:
    def answer(asked: Asked) -> Said:
        said = right(asked)
        if asked.route == "/ingest":
            return Said(404, {"error": "Not Found", "detail": "another"}, said.headers)
        return Said(400, said.body, said.headers) if asked.route == "/query" else said

    noticed = lab.failed(legacy, answer)
    assert set(noticed) == {f"POST {path} answers the same as its successor" for path in ("/ingest", "/query")}


def test_older_paths_that_were_switched_off_have_to_be_gone(lab: Lab) -> None:
    off = {"LEGACY_ROUTES": "false"}
    assert lab.failed(legacy, gateway_404, environment=off) == {}
    assert list(lab.failed(legacy, lambda _: Said(200, {}), environment=off)) == [
        "older paths are gone where they are switched off"
    ]


def test_what_differs_between_any_two_answers_is_not_compared() -> None:
    assert lasting({"a": [{"took_ms": 1, "b": 2}], "age_s": 3}) == {"a": [{"b": 2}]}


def test_what_lies_below_an_older_path_goes_with_it() -> None:
    assert successor("/api/docs/a/b.md") == "/api/v1/docs/a/b.md"
