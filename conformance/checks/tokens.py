"""Who gets in: a consumer with a token of its own, and nobody else."""

import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial

import jwt

from conformance.check import Check, NotApplicableError, expect
from conformance.http import ask
from conformance.sample import Sample
from conformance.stack import Stack
from infra.gateway.tokens import secret_name

PATH = "/api/v1/docs?limit=1"  # an answer that costs nothing
MINUTE_S = 60


def checks(stack: Stack, _sample: Sample) -> Iterator[Check]:
    """What is refused, and that every consumer passes."""
    for how, header in REFUSED.items():
        yield Check(f"refused: {how}", partial(_refused, stack, header))
    for consumer in stack.consumers:
        yield Check(f"{consumer} passes", partial(_passes, stack, consumer))


def _claims(**changes: object) -> dict[str, object]:
    return {"exp": int(time.time()) + MINUTE_S, **changes}


def _signed(stack: Stack, claims: dict[str, object], *, by: str = "", algorithm: str = "HS256") -> str:
    secret = stack.secrets[secret_name(by or stack.consumers[0])]
    return "Bearer " + jwt.encode(claims, secret, algorithm=algorithm)


def _of_another(stack: Stack) -> str:
    if len(stack.consumers) < 2:
        raise NotApplicableError("the stack has one consumer only")
    return _signed(stack, _claims(sub=stack.consumers[0]), by=stack.consumers[1])


def _unsigned(stack: Stack) -> str:
    return "Bearer " + jwt.encode(_claims(sub=stack.consumers[0]), None, algorithm="none")


def _unknown_secret(stack: Stack) -> str:
    return "Bearer " + jwt.encode(_claims(sub=stack.consumers[0]), secrets.token_hex(32), algorithm="HS256")


REFUSED: dict[str, Callable[[Stack], str | None]] = {
    "no token": lambda _: None,
    "garbage": lambda _: "Bearer x.y.z",
    "no scheme": lambda stack: stack.token(),
    "an expired token": lambda stack: _signed(stack, _claims(sub=stack.consumers[0], exp=int(time.time()) - MINUTE_S)),
    "a token without an end": lambda stack: _signed(stack, {"sub": stack.consumers[0]}),
    "a secret that nobody has": _unknown_secret,
    "another consumer's secret": _of_another,
    "an unsigned token (alg none)": _unsigned,
    "a consumer that there is not": lambda stack: _signed(stack, _claims(sub="nobody")),
    "no consumer": lambda stack: _signed(stack, _claims()),
}
"""The Authorization header by what is wrong with it; None: there is none."""


def _refused(stack: Stack, header: Callable[[Stack], str | None]) -> None:
    value = header(stack)
    answer = ask(stack.gateway, "GET", PATH, headers={"Authorization": value} if value else {})
    expect(answer.status == 401, f"{answer}; expected 401")
    expect("message" in answer.json(), f"{answer}; expected a message that says why")


def _passes(stack: Stack, consumer: str) -> None:
    answer = ask(stack.gateway, "GET", PATH, headers={"Authorization": f"Bearer {stack.token(consumer)}"})
    expect(answer.status in {200, 429}, f"{answer}; expected 200")
