"""Figures as the page writes them; what is not known is a dash."""

import math

UNKNOWN = "-"


def milliseconds(value: float | None) -> str:
    """A time in ms, from a second on in seconds."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{_digits(value / 1000)} s" if value >= 1000 else f"{_digits(value)} ms"


def percent(share: float | None, digits: int = 0, *, signed: bool = False) -> str:
    """A share of one in percent."""
    if share is None or math.isnan(share):
        return UNKNOWN
    return f"{100 * share:{'+' if signed else ''}.{digits}f} %"


def _digits(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"
