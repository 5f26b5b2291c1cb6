"""Tokens that the gateway accepts."""

import time
from collections.abc import Callable

import jwt

SHORTEST_SECRET = 32  # bytes, RFC 7518 section 3.2: an HMAC key at least as long as its hash


class TokenError(ValueError):
    """No token can be made; the message says why."""


def secret_name(consumer: str) -> str:
    """The name, among a stack's secrets, of the one that signs the tokens of `consumer`."""
    return f"jwtSecret-{consumer}"


def mint(consumer: str, secret: str, *, lifetime_s: int = 3600, now: Callable[[], float] = time.time) -> str:
    """A token with which `consumer` may call the gateway for `lifetime_s` seconds.

    Raises TokenError for a secret that is too short or a lifetime that is over at once.
    """
    if len(secret.encode()) < SHORTEST_SECRET:
        raise TokenError(f"the secret of {consumer!r} is shorter than {SHORTEST_SECRET} bytes")
    if lifetime_s < 1:
        raise TokenError(f"a token's lifetime is {lifetime_s} s; it must be at least 1")
    issued = int(now())
    return jwt.encode({"sub": consumer, "iat": issued, "exp": issued + lifetime_s}, secret, algorithm="HS256")
