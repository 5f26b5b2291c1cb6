"""Changes of points: from the JSON of a request to what a replica applies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qdrant_edge import Filter, Point, UpdateOperation

from infra.embedded.qdrant.errors import malformed, unsupported, wrong_input
from infra.embedded.qdrant.fields import PointId, array, known, point_id, required, text, texts, vector
from infra.embedded.qdrant.filters import read_filter

Operations = Callable[[list[Any]], UpdateOperation]  # of ids; the engine's lists may hold UUIDs besides


@dataclass(frozen=True)
class Write:
    """A change of the points that have one of the ids or match the filter where it is applied."""

    kind: str
    ids: Sequence[PointId]
    operation: Operations = field(repr=False)
    where: Filter | None = None

    @property
    def alters(self) -> bool:
        """Whether it builds on what the points were, rather than saying all that they become."""
        return self.kind not in ("upsert", "delete")


def read_write(kind: str, body: Any, size: int) -> Write:
    """The write of that kind that a body describes, for vectors of `size`; raises QdrantError.

    Nodes send each other bodies with both `points` and `filter`: the ids that matched at the sender, and the filter
    for what more may match at the receiver.
    """
    return _READERS[kind](kind, body, size)


def _upsert(kind: str, body: Any, size: int) -> Write:
    given = known(body, "points", "batch")
    if len(given) != 1:
        raise malformed("expected either `points` or `batch`")
    rows = array(given["points"], "points") if "points" in given else _rows(given["batch"])
    points = {point.id: point for point in (_point(row, size) for row in rows)}
    by_id: dict[PointId, Point] = {key if isinstance(key, int) else str(key): point for key, point in points.items()}
    return Write(kind, list(by_id), lambda ids: UpdateOperation.upsert_points([by_id[one] for one in ids]))


def _rows(batch: Any) -> list[Any]:
    """The rows of a batch in columns."""
    given = known(batch, "ids", "vectors", "payloads")
    ids, vectors = (array(required(given, name), name) for name in ("ids", "vectors"))
    payloads = array(given.get("payloads", [None] * len(ids)), "payloads")
    if not len(ids) == len(vectors) == len(payloads):
        raise wrong_input(f"a batch of {len(ids)} ids, {len(vectors)} vectors and {len(payloads)} payloads")
    return [
        {"id": one, "vector": values, "payload": payload}
        for one, values, payload in zip(ids, vectors, payloads, strict=True)
    ]


def _point(row: Any, size: int) -> Point:
    given = known(row, "id", "vector", "payload")
    one, values = point_id(required(given, "id")), vector(required(given, "vector"), size)
    payload = given.get("payload", {})
    if not isinstance(payload, dict):
        raise malformed(f"payload: expected an object, got {payload!r:.80}")
    try:
        return Point(one, values, payload)
    except (TypeError, ValueError):
        raise malformed(f"the vector of point {one} isn't made of numbers") from None


def _selected(given: dict[str, Any]) -> tuple[list[PointId], Filter | None]:
    if "points" not in given and "filter" not in given:
        raise malformed("expected one of `points` and `filter`")
    ids = dict.fromkeys(point_id(one) for one in array(given.get("points", []), "points"))
    return list(ids), read_filter(given["filter"]) if "filter" in given else None


def _delete(kind: str, body: Any, _size: int) -> Write:
    ids, where = _selected(known(body, "points", "filter"))
    return Write(kind, ids, UpdateOperation.delete_points, where)


def _clear(kind: str, body: Any, _size: int) -> Write:
    ids, where = _selected(known(body, "points", "filter"))
    return Write(kind, ids, UpdateOperation.clear_payload, where)


def _delete_keys(kind: str, body: Any, _size: int) -> Write:
    given = known(body, "points", "filter", "keys")
    ids, where = _selected(given)
    keys = texts(required(given, "keys"), "keys")
    return Write(kind, ids, lambda chosen: UpdateOperation.delete_payload(chosen, keys), where)


def _set(kind: str, body: Any, _size: int) -> Write:
    given = known(body, "points", "filter", "payload", "key")
    ids, where = _selected(given)
    payload = required(given, "payload")
    if not isinstance(payload, dict):
        raise malformed(f"payload: expected an object, got {payload!r:.80}")
    if kind == "set":
        key = text(given["key"], "key") if "key" in given else None
        return Write(kind, ids, lambda chosen: UpdateOperation.set_payload(chosen, payload, key), where)
    if "key" in given:
        raise unsupported("overwriting below a key")
    return Write(kind, ids, lambda chosen: UpdateOperation.overwrite_payload(chosen, payload), where)


_READERS: dict[str, Callable[[str, Any, int], Write]] = {
    "upsert": _upsert,
    "delete": _delete,
    "set": _set,
    "overwrite": _set,
    "delete_keys": _delete_keys,
    "clear": _clear,
}
