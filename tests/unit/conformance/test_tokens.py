from collections.abc import Callable
from typing import Any

import jwt
import pytest

from conformance.checks import tokens
from tests.unit.conformance.conftest import SECRETS, Answer, Asked, Lab, Said

REFUSAL = Said(401, {"message": "Unauthorized"})


def gateway(known: Callable[[dict[str, Any]], str | None], **options: bool) -> Answer:
    """A gateway that verifies a token with the secret that `known` gives for its unverified claims."""

    def answer(asked: Asked) -> Said:
        scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
            needed = {"require": ["exp"]} if options.get("verify_exp", True) else {}
            checked = {"verify_exp": True, **options, **needed}
            jwt.decode(token, known(claims) or "", algorithms=["HS256"], options=checked)  # type: ignore[arg-type]
        except jwt.PyJWTError:
            return REFUSAL
        return Said(200, {}) if scheme == "Bearer" else REFUSAL

    return answer


def own(claims: dict[str, Any]) -> str | None:
    return SECRETS.get(f"jwtSecret-{claims.get('sub')}")


def test_a_gateway_that_lets_consumers_in_and_nobody_else_conforms(lab: Lab) -> None:
    assert lab.failed(tokens, gateway(own)) == {}


@pytest.mark.parametrize(
    ("defect", "noticed"),
    [
        (gateway(own, verify_exp=False), {"refused: an expired token", "refused: a token without an end"}),
        (gateway(lambda _: SECRETS["jwtSecret-app"]), {"refused: a consumer that there is not", "other passes"}),
        (gateway(lambda claims: SECRETS["jwtSecret-other"]), {"refused: another consumer's secret", "app passes"}),
        (gateway(own, verify_signature=False), {"refused: an unsigned token (alg none)", "refused: no consumer"}),
        (lambda _: Said(200, {}), {"refused: no token", "refused: garbage", "refused: no scheme"}),
        (lambda _: REFUSAL, {"app passes", "other passes"}),
        (lambda _: Said(401, {"error": "Unauthorized"}), {"refused: no token"}),
        (lambda _: Said(401, b"Jwt is missing"), {"refused: no token"}),
    ],
)
def test_a_defect_is_noticed_by_the_checks_of_it(lab: Lab, defect: Answer, noticed: set[str]) -> None:
    assert noticed <= set(lab.failed(tokens, defect))
