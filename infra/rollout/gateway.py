"""Whether a stack's gateway does what its settings say: by what it answers, and by what it says of itself."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain
from secrets import token_hex
from typing import Any

import yaml

from conformance.check import NonconformingError
from conformance.http import ask as ask_once
from infra.drift.inspection import Inspected
from infra.gateway import KONG_FILE
from infra.gateway.envoy.clusters import cluster_name
from infra.gateway.kong import ALL, GATEWAY
from infra.gateway.tokens import mint, secret_name
from infra.probes import gateway
from infra.probes.http import TIMEOUT_S, SilentError, ask
from infra.rollout.deployment import Desired, RolloutError
from infra.topology import RELEASED
from services.common.middleware.request_id import HEADER, RELEASE_HEADER, SYNTHETIC

ROUTES: Mapping[str, str] = {
    "query": "/api/v1/rag/search",  # without a question, so that the service itself refuses it, at no cost
    "rag-service": "/api/v1/docs",
    "collections": "/api/v1/collections",
    "ingestion": "/api/v1/ingestion/jobs",
}
"""A path of each service by which it is seen which release answers."""
ACTIVE = "rq_active"  # Envoy's name of the requests under way at a target
LOOKS = 4  # at each service, each by a connection of its own, so that every worker of the gateway is asked
FOLLOW_S = 60.0
POLL_S = 0.2


class Gateway:
    """The gateway of a stack that is up."""

    def __init__(self, stack: Inspected) -> None:
        self._stack = stack
        self._admin = stack.url(GATEWAY, "admin")

    def follow(self, desired: Desired, *, deadline_s: float = FOLLOW_S) -> None:
        """Wait until it goes by the configuration and answers with the releases that it is to; raises RolloutError."""
        _wait(lambda: self._trouble(desired), deadline_s, "the gateway does not follow")

    def ready(self, desired: Desired, *, deadline_s: float = FOLLOW_S) -> None:
        """Wait until every target that is to get requests is healthy to Envoy, which gives others none; RolloutError.

        So one that was just started gets none too early. Kong is waited for where it takes its configuration.
        """
        wanted = {
            cluster_name(upstream["name"], target["target"])
            for upstream in self._upstreams()
            for target, (_, share) in zip(upstream["targets"], _shares(desired, upstream["name"]), strict=False)
            if share
        }
        _wait(lambda: next(self._unhealthy(wanted), ""), deadline_s, "the gateway finds a target that it needs dead")

    def drain(self, *, deadline_s: float) -> None:
        """Wait until no request is under way at what gets none any more, but no longer: a stream may never end."""
        deadline = time.monotonic() + deadline_s
        while any(self._under_way()) and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def _trouble(self, desired: Desired) -> str:
        return next(chain(self._configuration(), self._answers(desired)), "")

    def _configuration(self) -> Iterator[str]:
        running = self._stack.running
        wanted = gateway.wanted(running.gateway_files, envoy=running.envoy)
        found, _ = gateway.read(self._admin, envoy=running.envoy)
        return (f"{name} is not in force" for name, version in wanted.items() if found.get(name) != version)

    def _unhealthy(self, wanted: Collection[str]) -> Iterator[str]:
        for name, host in self._hosts().items():
            if name in wanted and host["health_status"].get("failed_active_health_check"):
                yield f"{name} does not answer its health check"

    def _answers(self, desired: Desired) -> Iterator[str]:
        for service in RELEASED:
            right = {release for release, share in _shares(desired, service) if share}
            for _ in range(LOOKS):
                answered = self._release(ROUTES[service])
                if answered not in right:
                    yield f"{service} is answered by {answered} and not by {' or '.join(right)}"

    def _under_way(self) -> Iterator[str]:
        """The targets without weight that have requests. Kong does not tell; what they have they end when they stop."""
        weightless = {
            cluster_name(upstream["name"], target["target"])
            for upstream in self._upstreams()
            for target in upstream["targets"]
            if not target["weight"]
        }
        for name, host in self._hosts().items():
            if name in weightless and any(int(one.get("value", 0)) for one in host["stats"] if one["name"] == ACTIVE):
                yield name

    def _upstreams(self) -> list[dict[str, Any]]:
        """Those of kong.yml; of the targets of each the stable one is the first."""
        upstreams: list[dict[str, Any]] = yaml.safe_load(self._stack.running.gateway_files[KONG_FILE])["upstreams"]
        return upstreams

    def _hosts(self) -> dict[str, dict[str, Any]]:
        """What Envoy says of each target, by its cluster."""
        if not self._stack.running.envoy:
            return {}
        clusters = ask(f"{self._admin}/clusters?format=json")["cluster_statuses"]
        return {one["name"]: host for one in clusters for host in one.get("host_statuses", [])}

    def _release(self, path: str) -> str:
        """The release that answers, or what is answered where none is named."""
        headers = {"Authorization": f"Bearer {token(self._stack)}", **synthetic()}
        try:
            answer = ask_once(str(self._stack.outputs["gateway"]), "GET", path, headers=headers, timeout_s=TIMEOUT_S)
        except NonconformingError as error:
            return f"nothing ({error})"
        return str(answer.headers.get(RELEASE_HEADER) or f"status {answer.status} without {RELEASE_HEADER}")


def synthetic() -> dict[str, str]:
    """The header of a request that services count apart from their callers', further on too."""
    return {HEADER: f"{SYNTHETIC}{token_hex(8)}"}


def token(stack: Inspected) -> str:
    """One with which the stack's first consumer may call the gateway for an hour."""
    consumer = stack.settings.consumers[0]
    return mint(consumer, stack.running.secrets[secret_name(consumer)][0])


def _shares(desired: Desired, service: str) -> tuple[tuple[str, int], tuple[str, int]]:
    """The stable release with its share, and the candidate with its own; they may be the same release."""
    share = desired.weights.get(service, 0) if desired.candidate else 0
    return (desired.release, ALL - share), (desired.candidate, share)


def _wait(trouble: Callable[[], str], deadline_s: float, otherwise: str) -> None:
    deadline = time.monotonic() + deadline_s
    while said := _told(trouble):
        if time.monotonic() > deadline:
            raise RolloutError(f"{otherwise} after {deadline_s:g} s: {said}; see `make status` and `make logs C=kong`")
        time.sleep(POLL_S)


def _told(trouble: Callable[[], str]) -> str:
    try:
        return trouble()
    except SilentError as error:
        return str(error)
