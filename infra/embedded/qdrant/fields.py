"""Reads the values of a request's JSON strictly: what is unknown or of the wrong type is an error, null is absent."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from infra.embedded.qdrant.errors import QdrantError, malformed, wrong_input

PointId = int | str
"""An unsigned 64-bit integer, or a UUID in its usual spelling."""


def known(value: Any, *names: str) -> dict[str, Any]:
    """The object's fields that are not null; raises QdrantError if it has others than these."""
    if not isinstance(value, Mapping):
        raise malformed(f"expected an object, got {value!r:.80}")
    given = {name: field for name, field in value.items() if field is not None}
    if unknown := given.keys() - set(names):
        raise malformed(f"unknown or unsupported field `{min(unknown)}`, expected one of {', '.join(names)}")
    return given


def required(given: Mapping[str, Any], name: str) -> Any:
    """The field's value; raises QdrantError if it is missing."""
    if name not in given:
        raise malformed(f"missing field `{name}`")
    return given[name]


def natural(value: Any, name: str, least: int = 0) -> int:
    """A whole number not below `least`."""
    if type(value) is not int:
        raise malformed(f"{name}: expected an unsigned integer, got {value!r:.80}")
    if value < least:
        raise QdrantError(
            422, f"Validation error in JSON body: [{name}: value {value} invalid, must be {least} or larger]"
        )
    return value


def number(value: Any, name: str) -> float:
    """A number."""
    if type(value) not in (int, float):
        raise malformed(f"{name}: expected a number, got {value!r:.80}")
    return float(value)


def text(value: Any, name: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise malformed(f"{name}: expected a string, got {value!r:.80}")
    return value


def flag(value: Any, name: str) -> bool:
    """A boolean."""
    if not isinstance(value, bool):
        raise malformed(f"{name}: expected a boolean, got {value!r:.80}")
    return value


def array(value: Any, name: str) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise malformed(f"{name}: expected a list, got {value!r:.80}")
    return value


def texts(value: Any, name: str) -> list[str]:
    """A list of strings."""
    return [text(element, name) for element in array(value, name)]


def point_id(value: Any) -> PointId:
    """A point's id, a UUID in its usual spelling."""
    if type(value) is int and 0 <= value < 2**64:
        return value
    if isinstance(value, str):
        try:
            return str(UUID(value))
        except ValueError:
            pass  # told below, in the same words as for any other value
    raise malformed(f"value {value} is not a valid point ID, valid values are either an unsigned integer or a UUID")


def vector(value: Any, size: int) -> list[float]:
    """A dense vector of `size` numbers; the engine checks that they are numbers."""
    if not isinstance(value, list) or (value and isinstance(value[0], list)):
        raise wrong_input("only one unnamed dense vector for each point is supported by the embedded node")
    if len(value) != size:
        raise wrong_input(f"Vector dimension error: expected dim: {size}, got {len(value)}")
    return value
