"""Credentials that must be refused, for probes: nothing is injected."""

import secrets
import time

from chaos.stack import Stack
from infra.gateway.tokens import mint, secret_name

HOUR_S = 3600


def expired_token(stack: Stack, consumer: str = "app") -> str:
    """A token of `consumer`, rightly signed, that was over an hour ago."""
    return mint(consumer, stack.secrets[secret_name(consumer)], now=lambda: time.time() - 2 * HOUR_S)


def forged_token(consumer: str = "app") -> str:
    """A token in the name of `consumer`, in force, signed with a secret that is not the consumer's."""
    return mint(consumer, secrets.token_urlsafe(32))


def wrong_service_token() -> str:
    """What no service of the stack shows another."""
    return secrets.token_urlsafe(32)
