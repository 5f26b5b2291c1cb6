"""The colours of charts: the page's CSS variables, so that a chart follows light, dark and print by itself.

matplotlib takes no variables, so each is drawn in a colour that stands for it and is replaced in the SVG.
"""

import re

CLOSED, HALF_OPEN, OPEN = "closed", "half-open", "open"
_OUTCOMES = ("live", "cached", "degraded", "refused", "unavailable", "error", "lost")
_NAMES = ("ink", "muted", "grid", "fault", "page", CLOSED, HALF_OPEN, OPEN, "p50", "p95", "p99", *_OUTCOMES)
PAINT = {name: f"#0102{number:02x}" for number, name in enumerate(_NAMES)}
_VARIABLES = {colour: f"var(--{name})" for name, colour in PAINT.items()}


def with_variables(svg: str) -> str:
    """The SVG with each stand-in colour of a style replaced by the CSS variable it stands for."""
    return re.sub(r"(?<=: )#0102[0-9a-f]{2}\b", lambda found: _VARIABLES[found[0]], svg)
