"""Questions about points: from the JSON of a request to the engine's, and from its answers to JSON."""

from collections.abc import Callable, Iterable
from typing import Any

from qdrant_edge import (
    CountRequest,
    FacetRequest,
    Filter,
    HasIdCondition,
    PayloadSelector,
    QuantizationSearchParams,
    Query,
    QueryRequest,
    Record,
    ScoredPoint,
    ScrollRequest,
    SearchParams,
)

from infra.embedded.qdrant.errors import malformed, unsupported, wrong_input
from infra.embedded.qdrant.fields import (
    PointId,
    array,
    flag,
    known,
    natural,
    number,
    point_id,
    required,
    text,
    texts,
    vector,
)
from infra.embedded.qdrant.filters import read_filter

DEFAULT_LIMIT = 10  # Qdrant's, for queries, scrolls and facets
VectorOf = Callable[[PointId], list[float] | None]
"""The vector of a stored point, None if there is none."""

_EF = 64  # candidates that are kept on the way through the graph; Qdrant's default is 100
# By bytes alone up to 7 of 100 nearest aren't found; with twice as many candidates, fewer than one.
_RESCORED = QuantizationSearchParams(rescore=True, oversampling=2.0)
_SHARED = ("filter", "limit", "with_payload", "with_vector", "with_vectors")
_RANKED = (*_SHARED, "params", "score_threshold", "offset")


def read_query(body: Any, size: int, vector_of: VectorOf) -> QueryRequest:
    """A query by vector, by the id of a point (which is no answer itself), or without either."""
    given = known(body, "query", "using", *_RANKED)
    if given.get("using"):
        raise wrong_input(f"Not existing vector name error: {given['using']}")
    target, excluded = given.get("query"), None
    if isinstance(target, dict):
        target = required(known(target, "nearest"), "nearest")
    if isinstance(target, str | int):
        excluded = point_id(target)
        target = vector_of(excluded)
        if target is None:
            raise wrong_input(f"No point with id {excluded} found")
    return _ranked(given, target, size, excluded)


def read_search(body: Any, size: int) -> QueryRequest:
    """A search, the older form of a query by vector."""
    given = known(body, "vector", *_RANKED)
    required(given, "limit")
    return _ranked(given, required(given, "vector"), size, None)


def _ranked(given: dict[str, Any], target: Any, size: int, excluded: PointId | None) -> QueryRequest:
    where = _filter(given)
    if excluded is not None:
        where = Filter(must=[where] if where else None, must_not=[HasIdCondition({excluded})])
    try:
        nearest = None if target is None else Query.Nearest(vector(target, size))
    except TypeError:
        raise malformed("the vector isn't made of numbers") from None
    return QueryRequest(
        limit=natural(given.get("limit", DEFAULT_LIMIT), "limit", 1),
        offset=natural(given.get("offset", 0), "offset"),
        query=nearest,
        filter=where,
        score_threshold=number(given["score_threshold"], "score_threshold") if "score_threshold" in given else None,
        params=_search_params(given.get("params", {})),
        with_payload=payload_selector(given.get("with_payload", False)),
        with_vector=_with_vector(given),
    )


def _search_params(value: Any) -> SearchParams:
    given = known(value, "exact", "hnsw_ef", "indexed_only", "quantization", "acorn")
    if "quantization" in given or "acorn" in given:
        raise unsupported("params.quantization or params.acorn")
    return SearchParams(
        hnsw_ef=natural(given.get("hnsw_ef", _EF), "params.hnsw_ef"),
        exact=flag(given.get("exact", False), "params.exact"),
        indexed_only=flag(given.get("indexed_only", False), "params.indexed_only"),
        quantization=_RESCORED,
    )


def read_scroll(body: Any) -> ScrollRequest:
    """A page of points in the order of their ids."""
    given = known(body, "offset", *_SHARED)
    return ScrollRequest(
        offset=point_id(given["offset"]) if "offset" in given else None,
        limit=natural(given.get("limit", DEFAULT_LIMIT), "limit", 1),
        filter=_filter(given),
        with_payload=payload_selector(given.get("with_payload", True)),
        with_vector=_with_vector(given),
    )


def read_retrieval(body: Any) -> tuple[list[PointId], Any, bool]:
    """The ids to retrieve, the payload selector, and whether vectors are wanted."""
    given = known(body, "ids", "with_payload", "with_vector", "with_vectors")
    ids = [point_id(one) for one in array(required(given, "ids"), "ids")]
    return ids, payload_selector(given.get("with_payload", True)), _with_vector(given)


def read_count(body: Any) -> CountRequest:
    """A count, exact whatever is asked for."""
    given = known(body, "filter", "exact")
    flag(given.get("exact", True), "exact")
    return CountRequest(exact=True, filter=_filter(given))


def read_facet(body: Any) -> FacetRequest:
    """How many points have each value of a payload field."""
    given = known(body, "key", "limit", "filter", "exact")
    flag(given.get("exact", True), "exact")
    limit = natural(given.get("limit", DEFAULT_LIMIT), "limit", 1)
    return FacetRequest(text(required(given, "key"), "key"), limit=limit, exact=True, filter=_filter(given))


def _filter(given: dict[str, Any]) -> Filter | None:
    return read_filter(given["filter"]) if "filter" in given else None


def _with_vector(given: dict[str, Any]) -> bool:
    value = given.get("with_vector", given.get("with_vectors", False))
    if isinstance(value, list):
        raise unsupported("a named vector")
    return flag(value, "with_vector")


def payload_selector(value: Any) -> Any:
    """The engine's form of `with_payload`."""
    if isinstance(value, bool):
        return value
    if isinstance(value, list):
        return texts(value, "with_payload")
    given = known(value, "include", "exclude")
    if len(given) != 1:
        raise malformed("with_payload: expected either `include` or `exclude`")
    ((name, keys),) = given.items()
    return (PayloadSelector.Include if name == "include" else PayloadSelector.Exclude)(texts(keys, "with_payload"))


def shown_points(points: Iterable[Record | ScoredPoint]) -> list[dict[str, Any]]:
    """Points as answers show them: payload and vector where they were asked for, version and score where ranked."""
    shown = []
    for point in points:
        row: dict[str, Any] = {"id": point.id}
        if isinstance(point, ScoredPoint):
            row |= {"version": point.version, "score": point.score}
        if point.payload is not None:
            row["payload"] = point.payload
        if point.vector is not None:
            row["vector"] = point.vector
        shown.append(row)
    return shown
