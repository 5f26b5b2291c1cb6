"""What a client under test stands behind."""

from services.common.breaker import Breaker, Consecutive
from services.common.bulkhead import Bulkhead, Limit
from services.common.protection import Protection


def protection(threshold: int = 1000, *, recovery_s: float = 30.0, concurrent: int = 100) -> Protection:
    """A protection that is not in the way, unless it is told to be."""
    breaker = Breaker("test", Consecutive(threshold), recovery_s=recovery_s)
    return Protection(breaker, Bulkhead("test", Limit(concurrent, 100)))
