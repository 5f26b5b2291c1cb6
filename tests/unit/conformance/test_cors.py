from conformance.checks import cors
from tests.unit.conformance.conftest import Answer, Asked, Lab, Said


def allowing(*origins: str, status: int = 200, methods: str = "GET, POST", headers: str = "Authorization") -> Answer:
    def answer(asked: Asked) -> Said:
        origin = asked.headers.get("Origin")
        allowed = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": headers,
        }
        return Said(status, {}, allowed if origin in origins else {})

    return answer


def test_a_gateway_that_allows_the_console_alone_conforms(lab: Lab) -> None:
    assert lab.failed(cors, allowing(cors.CONSOLE)) == {}


def test_a_gateway_that_allows_anybody_is_noticed(lab: Lab) -> None:
    noticed = lab.failed(cors, allowing(cors.CONSOLE, cors.STRANGER))
    assert set(noticed) == {
        "a preflight of another origin is not allowed",
        "an answer to another origin is not readable by it",
    }


def test_a_preflight_that_is_no_use_is_noticed(lab: Lab) -> None:
    useless = (
        allowing(cors.CONSOLE, status=401),
        allowing(cors.CONSOLE, methods="GET"),
        allowing(cors.CONSOLE, headers=""),
    )
    for defect in useless:
        assert list(lab.failed(cors, defect)) == ["a preflight of the console is allowed without a token"]


def test_a_stack_for_other_pages_is_not_judged_by_the_console(lab: Lab) -> None:
    (console,) = [one for one in lab.results(cors, lab.stack(allowing())) if "console" in one.name]
    assert console.verdict == "not applicable"
