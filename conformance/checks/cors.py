"""Pages of an origin that is allowed may call the gateway, others may not; a preflight needs no token."""

from collections.abc import Iterator
from functools import partial

from conformance.check import Check, NotApplicableError, expect
from conformance.http import Answer, ask
from conformance.sample import Sample
from conformance.stack import Stack

CONSOLE = "http://localhost:3103"
"""The origin that is allowed unless a stack says otherwise; its outputs do not tell."""

STRANGER = "http://conformance.example"
PATH = "/api/v1/rag/query"


def checks(stack: Stack, _sample: Sample) -> Iterator[Check]:
    """A preflight and a request, for both kinds of origin."""
    yield Check("a preflight of another origin is not allowed", partial(_stranger, stack))
    yield Check("an answer to another origin is not readable by it", partial(_not_readable, stack))
    yield Check("a preflight of the console is allowed without a token", partial(_console, stack))


def _preflight(stack: Stack, origin: str) -> Answer:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    return ask(stack.gateway, "OPTIONS", PATH, headers={"Origin": origin, **asked})


def _allowed(answer: Answer, origin: str) -> bool:
    return answer.headers.get("Access-Control-Allow-Origin") in {origin, "*"}


def _stranger(stack: Stack) -> None:
    answer = _preflight(stack, STRANGER)
    expect(not _allowed(answer, STRANGER), f"{answer}: {STRANGER} is allowed")


def _not_readable(stack: Stack) -> None:
    answer = stack.ask("GET", "/api/v1/docs?limit=1", headers={"Origin": STRANGER})
    expect(not _allowed(answer, STRANGER), f"{answer}: {STRANGER} may read it")


def _console(stack: Stack) -> None:
    answer = _preflight(stack, CONSOLE)
    if not _allowed(answer, CONSOLE):
        raise NotApplicableError(f"the stack's setting corsOrigins does not have {CONSOLE}")
    expect(answer.status in {200, 204}, f"{answer}; expected 200 or 204")
    methods, headers = (answer.header(f"Access-Control-Allow-{what}") for what in ("Methods", "Headers"))
    expect("POST" in methods, f"{answer}: POST is not among the methods {methods}")
    expect("authorization" in headers.lower(), f"{answer}: Authorization is not among the headers {headers}")
