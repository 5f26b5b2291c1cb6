"""Rules for a nested document: each takes a value and where it stands, and raises UnsupportedError."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Rule = Callable[[str, Any], None]


class UnsupportedError(ValueError):
    """A key or value of kong.yml that Envoy cannot be made to honour; the message names it."""


@dataclass(frozen=True)
class Optional:
    """Marks a key that may be left out, where that means the same to both gateways."""

    rule: Rule


def fields(**rules: Rule | Optional) -> Rule:
    """A mapping with exactly these keys."""

    def check(where: str, value: Any) -> None:
        a(dict)(where, value)
        prefix = f"{where}." if where else ""
        for key in value:
            if key not in rules:
                raise UnsupportedError(f"{prefix}{key}: Envoy has no equivalent, or none is written here")
        for key, rule in rules.items():
            if key in value:
                (rule.rule if isinstance(rule, Optional) else rule)(f"{prefix}{key}", value[key])
            elif not isinstance(rule, Optional):
                raise UnsupportedError(f"{prefix}{key}: is missing, and Envoy would not share Kong's default")

    return check


def each(rule: Rule, *, unique: str = "", at_least: int = 0) -> Rule:
    """A list whose items all keep `rule`, no two with the same value of the key `unique`."""

    def check(where: str, value: Any) -> None:
        a(list)(where, value)
        if len(value) < at_least:
            raise UnsupportedError(f"{where}: has {len(value)} items; {at_least} are needed")
        seen = set()
        for index, item in enumerate(value):
            rule(f"{where}[{index}]", item)
            if unique and item[unique] in seen:
                raise UnsupportedError(f"{where}[{index}].{unique}: {item[unique]!r} is there twice")
            seen.add(item[unique] if unique else index)

    return check


def only(*values: Any) -> Rule:
    """One of these values, of the same type."""

    def check(where: str, value: Any) -> None:
        if not any(type(value) is type(allowed) and value == allowed for allowed in values):
            raise UnsupportedError(f"{where}: {value!r}; Envoy can do {' or '.join(map(repr, values))}")

    return check


def a(kind: type) -> Rule:
    """A value of exactly this type. The value is not shown: it may be a secret."""

    def check(where: str, value: Any) -> None:
        if type(value) is not kind:
            raise UnsupportedError(f"{where or 'kong.yml'}: {type(value).__name__} instead of {kind.__name__}")

    return check


def matching(expression: str) -> Rule:
    """A text that the regular expression matches as a whole."""

    def check(where: str, value: Any) -> None:
        a(str)(where, value)
        if not re.fullmatch(expression, value):
            raise UnsupportedError(f"{where}: {value!r} is not of the form {expression}")

    return check


def between(least: int, most: int) -> Rule:
    """A whole number, both ends included."""

    def check(where: str, value: Any) -> None:
        a(int)(where, value)
        if not least <= value <= most:
            raise UnsupportedError(f"{where}: {value} is not within {least} and {most}")

    return check
