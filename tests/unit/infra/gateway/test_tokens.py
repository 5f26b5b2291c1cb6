import jwt
import pytest

from infra.gateway.tokens import TokenError, mint

SECRET = "s" * 32


def test_a_token_names_its_consumer_and_ends() -> None:
    token = mint("app", SECRET, lifetime_s=60, now=lambda: 1000.9)
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})
    assert claims == {"sub": "app", "iat": 1000, "exp": 1060}


def test_a_short_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(TokenError, match="'app' is shorter than 32 bytes") as caught:
        mint("app", "hush")
    assert "hush" not in str(caught.value)


def test_a_token_that_is_over_at_once_is_refused() -> None:
    with pytest.raises(TokenError, match="lifetime"):
        mint("app", SECRET, lifetime_s=0)
