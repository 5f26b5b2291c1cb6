"""Payload indexes: from a field's schema in JSON to the engine's."""

from typing import Any

from qdrant_edge import (
    BoolIndexParams,
    DatetimeIndexParams,
    FloatIndexParams,
    GeoIndexParams,
    IntegerIndexParams,
    KeywordIndexParams,
    PayloadSchemaType,
    TextIndexParams,
    TokenizerType,
    UuidIndexParams,
)

from infra.embedded.qdrant.errors import malformed
from infra.embedded.qdrant.fields import required, text

_TYPES: dict[str, tuple[PayloadSchemaType, Any]] = {
    "keyword": (PayloadSchemaType.Keyword, KeywordIndexParams),
    "integer": (PayloadSchemaType.Integer, IntegerIndexParams),
    "float": (PayloadSchemaType.Float, FloatIndexParams),
    "geo": (PayloadSchemaType.Geo, GeoIndexParams),
    "text": (PayloadSchemaType.Text, TextIndexParams),
    "bool": (PayloadSchemaType.Bool, BoolIndexParams),
    "datetime": (PayloadSchemaType.Datetime, DatetimeIndexParams),
    "uuid": (PayloadSchemaType.Uuid, UuidIndexParams),
}
_TOKENIZERS = {
    "prefix": TokenizerType.Prefix,
    "whitespace": TokenizerType.Whitespace,
    "word": TokenizerType.Word,
    "multilingual": TokenizerType.Multilingual,
}


def read_schema(value: Any) -> Any:
    """The engine's schema for a type's name or an object with a `type` and options; raises QdrantError."""
    if isinstance(value, dict):
        options = {name: option for name, option in value.items() if option is not None}
        _, build = _type(text(required(options, "type"), "type"))
        del options["type"]
        if "tokenizer" in options:
            options["tokenizer"] = _TOKENIZERS.get(options["tokenizer"], options["tokenizer"])
        try:
            return build(**options)
        except (TypeError, ValueError) as error:
            raise malformed(f"field_schema: {error}") from None
    schema, _ = _type(text(value, "field_schema"))
    return schema


def _type(name: str) -> tuple[PayloadSchemaType, Any]:
    if name not in _TYPES:
        raise malformed(f"field_schema: unknown variant `{name}`, expected one of {', '.join(_TYPES)}")
    return _TYPES[name]


def shown_index(schema: Any, points: int) -> dict[str, Any]:
    """An index as the collection's information shows it: the schema it was made with and how many points it has."""
    if isinstance(schema, dict):
        return {"data_type": schema["type"], "params": schema, "points": points}
    return {"data_type": schema, "points": points}
