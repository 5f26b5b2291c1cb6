"""Text that came from elsewhere, made fit to be shown; numbers made fit to be read."""

import re

# What XML 1.0 cannot hold and a terminal would obey; tab and newline may stay.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """The text with every character that is unfit for XML or a terminal replaced by a replacement character."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def duration(seconds: float) -> str:
    """A duration as people say it: "37 ms", "4.2 s", "12 min 5 s"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def plural(count: int, noun: str) -> str:
    """The noun with its count: "1 experiment", "2,000 requests"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
