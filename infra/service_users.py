"""The services as users of the secret between them; each tells those who show it what it sends and accepts."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

from infra.secret import SecretState
from infra.targets.local.health import HOST
from services.common.service_secret import HEADER, fingerprint

PATH = "/internal/service-token"
TIMEOUT_S = 2.0


@dataclass(frozen=True)
class ServiceUsers:
    """All services that show or accept the secret, by name and own port: a fault on the way to one is no answer."""

    ports: Mapping[str, int]

    def accept_both(self, state: SecretState) -> list[str]:
        return [
            f"{service} answers {status}"
            for secret in state.accepted
            for service, status, _ in self._ask(secret)
            if status != 200
        ]

    def use_the_new(self, state: SecretState) -> list[str]:
        return [
            f"{service} answers {status}" if status != 200 else f"{service} sends the old one"
            for service, status, report in self._ask(state.value)
            if report.get("sends") != fingerprint(state.value)
        ]

    def left_the_old(self, state: SecretState, seconds: float) -> list[str]:
        old = fingerprint(state.other)
        return [
            f"{service} was shown it {report['accepts'][old]} s ago" if status == 200 else f"{service} answers {status}"
            for service, status, report in self._ask(state.value)
            if status != 200 or report["accepts"].get(old, seconds) < seconds
        ]

    def refuse_the_old(self, state: SecretState) -> list[str]:
        old = [(service, status) for service, status, _ in self._ask(state.other) if status != 403]
        new = [(service, status) for service, status, _ in self._ask(state.value) if status != 200]
        return [f"{service} answers {status}" for service, status in (*old, *new)]

    def _ask(self, secret: str) -> Iterator[tuple[str, int | str, dict[str, Any]]]:
        """Each service with the status and JSON that it answers, or with what went wrong in the status's place."""
        for service, port in self.ports.items():
            with closing(HTTPConnection(HOST, port, timeout=TIMEOUT_S)) as connection:
                try:
                    connection.request("GET", PATH, headers={HEADER: secret})
                    answer = connection.getresponse()
                    yield service, answer.status, json.loads(answer.read())
                except (OSError, HTTPException, ValueError) as error:
                    yield service, f"with {type(error).__name__}", {}


class RolledServices:
    """All services of a target that replaces them with each step: none of before is left when that has been taken."""

    def accept_both(self, state: SecretState) -> list[str]:
        return []

    def use_the_new(self, state: SecretState) -> list[str]:
        return []

    def left_the_old(self, state: SecretState, seconds: float) -> list[str]:
        return []

    def refuse_the_old(self, state: SecretState) -> list[str]:
        return []
