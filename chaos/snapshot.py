"""What was sampled last, as the metrics of one moment."""

from collections.abc import Iterable

from chaos.record import Sample
from infra.probes.metrics import Series, Snapshot


def snapshot(samples: Iterable[Sample]) -> Snapshot:
    """The last value of each series."""
    return {Series(s.source, s.name, frozenset(s.labels.items())): s.value for s in samples}
