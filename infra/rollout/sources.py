"""What the releases have counted: asked of each component by the engine itself, or of Prometheus where it runs."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from infra.observability.prometheus import SCRAPE_S
from infra.probes import http, metrics
from infra.probes.metrics import BORN, UP, Series, Snapshot

COUNTERS = frozenset(
    {
        "http_requests_total",
        "http_request_duration_seconds_bucket",
        "breaker_calls_total",
        "breaker_trips_total",
        "breaker_false_positives_total",
        BORN,
    }
)
TIMEOUT_S = 2.0  # shorter than any interval at which a rollout is judged


class Source(Protocol):
    """Where counters are read; each gives the same for the same, so that nothing else depends on which it is."""

    @property
    def lag_s(self) -> float:
        """How old what is read may be, in seconds."""
        ...

    def read(self) -> Snapshot:
        """All that the components have counted until now, `UP` 0 for one that could not be read; raises nothing."""


@dataclass(frozen=True)
class Scrape:
    """Asks each component's `/metrics`."""

    addresses: Mapping[str, str]  # by component, such as "query-next": http://127.0.0.1:8120
    timeout_s: float = TIMEOUT_S
    lag_s: float = 0.0

    def read(self) -> Snapshot:
        """The counters at this moment."""
        if not self.addresses:
            return {}
        with ThreadPoolExecutor(len(self.addresses)) as pool:
            taken: dict[Series, float] = {}
            for read in pool.map(self._one, self.addresses):
                taken.update(read)
        return taken

    def _one(self, component: str) -> Snapshot:
        up = Series(component, UP, frozenset())
        try:
            text = http.read(f"{self.addresses[component]}/metrics", timeout_s=self.timeout_s)
            return {**metrics.parse(component, text, COUNTERS), up: 1.0}
        except (http.SilentError, ValueError):
            return {up: 0.0}


@dataclass(frozen=True)
class Prometheus:
    """Asks Prometheus, in whose configuration an instance is a component's name and an address: `query/10.0.0.3:8000`.

    Its counters are as old as its last scrape.
    """

    url: str
    components: Collection[str]
    timeout_s: float = TIMEOUT_S
    lag_s: float = SCRAPE_S

    def read(self) -> Snapshot:
        """The counters as they were last scraped."""
        names = "|".join(sorted({*COUNTERS, UP}))
        query = f'{{__name__=~"{names}",instance=~"({"|".join(sorted(self.components))})/.+"}}'
        unread = {Series(component, UP, frozenset()): 0.0 for component in self.components}
        try:
            told = http.ask(f"{self.url}/api/v1/query?{urlencode({'query': query})}", timeout_s=self.timeout_s)
            taken = dict(_sample(one["metric"], one["value"][1]) for one in told["data"]["result"])
        except (http.SilentError, LookupError, TypeError, ValueError):
            return unread
        seen = {component_of(series.source) for series in taken if series.name == UP}
        return taken | {series: value for series, value in unread.items() if series.source not in seen}


def component_of(source: str) -> str:
    """The component that a series' source is an instance of."""
    return source.partition("/")[0]


def _sample(labels: Mapping[str, str], value: str) -> tuple[Series, float]:
    own = frozenset((name, text) for name, text in labels.items() if name not in {"__name__", "instance", "job"})
    return Series(labels["instance"], labels["__name__"], own), float(value)
