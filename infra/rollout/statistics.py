"""How sure a share is that was counted, and what a bucketed histogram tells."""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from statistics import NormalDist


@cache
def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(confidence)


def lower(count: float, of: float, confidence: float) -> float:
    """The true share is above this with that confidence: Wilson's score interval, one side of it.

    Unlike the share more or less its standard error, it stays within 0 to 1 and holds for none of few.
    """
    return _wilson(count, of, -_z(confidence))


def upper(count: float, of: float, confidence: float) -> float:
    """The true share is below this with that confidence."""
    return _wilson(count, of, _z(confidence))


def _wilson(count: float, of: float, z: float) -> float:
    if of <= 0:
        return 0.0 if z < 0 else 1.0
    share = count / of
    middle = share + z * z / (2 * of)
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return min(1.0, max(0.0, (middle + spread) / (1 + z * z / of)))


def enough(share: float, bound: float, confidence: float) -> float:
    """Of how many a share has to be counted, if it stays as it is, until one side of it is clear of the bound.

    The bound is above `upper`, or below `lower`, when the share is more than z·√(bound·(1-bound)/n) away from it:
    Wilson's interval turned round. Infinite where the share is the bound.
    """
    if share == bound:
        return math.inf
    return _z(confidence) ** 2 * bound * (1 - bound) / (share - bound) ** 2


def quantile(buckets: Mapping[float, int], share: float) -> tuple[float, float]:
    """The value below which that share of a histogram lies, at least and at most: anything in a bucket without an end.

    The buckets are counts by upper bound, each of its own values only. Within one nobody knows where the values lie. In
    a tail they thin out: faster than if they were spread evenly (the most, and what Prometheus' histogram_quantile
    takes), and about as fast as from this bucket to what is beyond it (the least). Raises ValueError for an empty one.
    """
    whole = sum(buckets.values())
    rest = (1 - share) * whole
    for start, end, over, beyond in _tails(buckets):
        if beyond <= rest < over:
            if end == math.inf:
                return start, end
            evenly = min(1.0, (over - rest) / (over - beyond))
            thinning = math.log(over / max(rest, _LEAST)) / math.log(over / max(beyond, _LEAST))
            return start + (end - start) * min(thinning, evenly), start + (end - start) * evenly
    raise ValueError("an empty histogram has no quantile")


def above(buckets: Mapping[float, int], value: float) -> tuple[float, float]:
    """How many of a histogram lie above the value, at least and at most, as `quantile` takes them to lie."""
    for start, end, over, beyond in _tails(buckets):
        if start <= value < end:
            if end == math.inf:
                return 0.0, over
            part = (value - start) / (end - start)
            evenly = over - part * (over - beyond)
            thinning = over * (max(beyond, _LEAST) / over) ** part if over else 0.0
            return min(thinning, evenly), evenly
    return 0.0, 0.0


_LEAST = 0.5  # stands for none in a bucket, where a logarithm is taken


def _tails(buckets: Mapping[float, int]) -> Iterator[tuple[float, float, int, int]]:
    """Each bucket's start and end, and how many values lie over the one and beyond the other."""
    start, over = 0.0, sum(buckets.values())
    for end, count in sorted(buckets.items()):
        yield start, end, over, over - count
        start, over = end, over - count
