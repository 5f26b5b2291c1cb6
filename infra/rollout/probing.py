"""Probes of known routes through the gateway: whether it knows them, and which release it asks how often."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.check import NonconformingError
from conformance.http import Answer, ask
from infra.rollout.gateway import ROUTES, synthetic
from infra.rollout.measurements import Routing
from services.common.middleware.request_id import RELEASE_HEADER

NOT_ROUTED = frozenset({404, 502, 504})
"""404 where the gateway knows no route or the release does not serve it, the others where nobody answers."""

UNAVAILABLE = 503
"""Without a release it is the gateway's, which knows nobody to ask; with one the service's, which is too busy."""

REFUSED = frozenset({401, 429})
"""The gateway does not let the consumer in, which says nothing about its routes."""

TIMEOUT_S = 5.0
NOTHING = Routing(0, 0, 0, 0, 0.0)
SHARE = 0.2
"""Of a consumer's requests a minute, what the probes may use up: the gateway counts them as its own."""


@dataclass(frozen=True)
class Releases:
    """The two releases by the names that they answer with."""

    stable: str
    candidate: str


@dataclass(frozen=True)
class Prober:
    """A consumer of the gateway who asks for known routes."""

    url: str
    token: Callable[[], str]
    releases: Releases

    def routing(self, weights: Mapping[str, int], probes: int) -> Routing:
        """So many probes, spread over all services.

        The weight is that of the services that answered, so that it is exact where they differ.
        """
        counts = NOTHING
        authorization = {"Authorization": f"Bearer {self.token()}"}
        for number in range(probes):
            service = tuple(ROUTES)[number % len(ROUTES)]
            headers = authorization | synthetic()
            try:
                answer = ask(self.url, "GET", ROUTES[service], headers=headers, timeout_s=TIMEOUT_S)
            except NonconformingError:  # it is for others to judge whether there is a gateway
                continue
            if answer.status in REFUSED:
                break
            counts += counted(answer, self.releases, weights.get(service, 0) / 100)
        return counts


def counted(answer: Answer, releases: Releases, weight: float) -> Routing:
    """One answer, of a service with this weight.

    An answer of the stable release at a weight of 1, or of the candidate at 0, is one of a wrong release.
    """
    release = answer.headers.get(RELEASE_HEADER)
    expected = {name for name, share in ((releases.stable, 1 - weight), (releases.candidate, weight)) if share}
    lost = answer.status in NOT_ROUTED or (release is None and answer.status == UNAVAILABLE)
    astray = not lost and release not in expected
    known = not lost and not astray
    ours = release == releases.candidate and weight > 0
    return Routing(1, lost, astray, known and ours, weight if known else 0.0, lost and ours)


def probes_a_look(rate_limit_minute: int, interval_s: float, most: int = 60) -> int:
    """How many probes of a look leave the consumer most of its requests."""
    return max(len(ROUTES), min(most, round(SHARE * rate_limit_minute * interval_s / 60)))
