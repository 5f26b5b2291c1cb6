"""From the filters of requests to the engine's."""

from collections.abc import Callable
from typing import Any

from qdrant_edge import (
    FieldCondition,
    Filter,
    GeoBoundingBox,
    GeoPoint,
    GeoPolygon,
    GeoRadius,
    HasIdCondition,
    IsEmptyCondition,
    IsNullCondition,
    MatchAny,
    MatchExcept,
    MatchPhrase,
    MatchText,
    MatchTextAny,
    MatchValue,
    MinShould,
    NestedCondition,
    RangeDateTime,
    RangeFloat,
    ValuesCount,
)

from infra.embedded.qdrant.errors import malformed, unsupported
from infra.embedded.qdrant.fields import array, known, natural, number, point_id, required, text

_CLAUSES = ("must", "should", "must_not", "min_should")


def read_filter(value: Any) -> Filter:
    """The engine's filter for a filter in JSON; raises QdrantError for one that it doesn't know."""
    given = known(value, *_CLAUSES)
    least = given.pop("min_should", None)
    clauses = {name: _conditions(clause) for name, clause in given.items()}
    try:
        return Filter(**clauses, min_should=_min_should(least) if least else None)
    except (TypeError, ValueError) as error:
        raise malformed(str(error)) from None


def having(ids: Any, where: Filter | None) -> Filter:
    """The filter for the points that have one of these ids or match `where`."""
    return Filter(should=[HasIdCondition(set(ids)), *([where] if where else [])])


def _conditions(value: Any) -> list[Any]:
    return [_condition(one) for one in (value if isinstance(value, list) else [value])]


def _min_should(value: Any) -> MinShould:
    given = known(value, "conditions", "min_count")
    least = natural(required(given, "min_count"), "min_count")
    return MinShould(_conditions(required(given, "conditions")), least)


def _condition(value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        raise malformed(f"expected a condition, got {value!r:.80}")
    if "key" in value:
        return _field(value)
    if any(name in value for name in _CLAUSES):
        return read_filter(value)
    (name, *more) = value
    if name not in _CONDITIONS or more:
        raise malformed(f"unknown condition with the fields {', '.join(value)}")
    return _CONDITIONS[name](value[name])


def _key(value: Any) -> str:
    return text(required(known(value, "key"), "key"), "key")


def _nested(value: Any) -> NestedCondition:
    given = known(value, "key", "filter")
    return NestedCondition(text(required(given, "key"), "key"), read_filter(required(given, "filter")))


_CONDITIONS: dict[str, Callable[[Any], Any]] = {
    "is_empty": lambda value: IsEmptyCondition(_key(value)),
    "is_null": lambda value: IsNullCondition(_key(value)),
    "has_id": lambda value: HasIdCondition({point_id(one) for one in array(value, "has_id")}),
    "nested": _nested,
}


def _field(value: Any) -> FieldCondition:
    given = known(value, "key", *_TESTS, "is_empty", "is_null")
    key = text(given.pop("key"), "key")
    tests = {name: _TESTS[name](test) if name in _TESTS else test for name, test in given.items()}
    try:
        return FieldCondition(key=key, **tests)
    except (TypeError, ValueError) as error:
        raise malformed(str(error)) from None


def _match(value: Any) -> Any:
    given = known(value, *_MATCHES)
    if len(given) != 1:
        raise malformed(f"expected a match with one of {', '.join(_MATCHES)}")
    ((name, wanted),) = given.items()
    if any(isinstance(one, bool) for one in (wanted if isinstance(wanted, list) else [wanted])):
        raise unsupported("a match on a boolean")  # the engine's Python package takes True for the integer 1
    try:
        return _MATCHES[name](wanted)
    except (TypeError, ValueError):
        raise malformed(f"match: `{name}` can't be {wanted!r:.80}") from None


_MATCHES: dict[str, Callable[[Any], Any]] = {
    "value": MatchValue,
    "text": MatchText,
    "text_any": MatchTextAny,
    "phrase": MatchPhrase,
    "any": MatchAny,
    "except": MatchExcept,
}
_BOUNDS = ("gt", "gte", "lt", "lte")


def _range(value: Any) -> RangeFloat | RangeDateTime:
    given = known(value, *_BOUNDS)
    if any(isinstance(bound, str) for bound in given.values()):
        try:
            return RangeDateTime(**{name: text(bound, name) for name, bound in given.items()})
        except ValueError as error:
            raise malformed(str(error)) from None
    return RangeFloat(**{name: number(bound, name) for name, bound in given.items()})


def _place(value: Any) -> GeoPoint:
    given = known(value, "lon", "lat")
    try:
        return GeoPoint(number(required(given, "lon"), "lon"), number(required(given, "lat"), "lat"))
    except ValueError as error:
        raise malformed(str(error)) from None


def _box(value: Any) -> GeoBoundingBox:
    given = known(value, "top_left", "bottom_right")
    return GeoBoundingBox(_place(required(given, "top_left")), _place(required(given, "bottom_right")))


def _radius(value: Any) -> GeoRadius:
    given = known(value, "center", "radius")
    return GeoRadius(_place(required(given, "center")), number(required(given, "radius"), "radius"))


def _polygon(value: Any) -> GeoPolygon:
    given = known(value, "exterior", "interiors")
    rings = [required(given, "exterior"), *array(given.get("interiors", []), "interiors")]
    exterior, *interiors = [
        [_place(one) for one in array(required(known(ring, "points"), "points"), "points")] for ring in rings
    ]
    try:
        return GeoPolygon(exterior, interiors)
    except (TypeError, ValueError) as error:
        raise malformed(str(error)) from None


def _values_count(value: Any) -> ValuesCount:
    return ValuesCount(**{name: natural(bound, name) for name, bound in known(value, *_BOUNDS).items()})


_TESTS: dict[str, Callable[[Any], Any]] = {
    "match": _match,
    "range": _range,
    "geo_bounding_box": _box,
    "geo_radius": _radius,
    "geo_polygon": _polygon,
    "values_count": _values_count,
}
