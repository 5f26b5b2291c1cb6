from collections.abc import Mapping

from infra.probes.database import COMPRESSED, Database, compare, migrations, stated, text_of

VERSIONS = frozenset({"1", "2"})
WANTED = {
    "table": {"rag.a": "table", "rag.b": "table"},
    "column": {"rag.a.name": "text NOT NULL", "rag.b.name": "text"},
    "constraint": {"rag.a.a_pkey": "PRIMARY KEY (name)"},
    "index": {"rag.b_name": "CREATE INDEX b_name ON rag.b USING btree (name)"},
}


def told(
    found: Mapping[str, Mapping[str, str]],
    applied: frozenset[str] = VERSIONS,
    policies: Mapping[str, str] | None = None,
) -> list[tuple[str, str, str]]:
    return [drift.place for drift in compare(WANTED, VERSIONS, Database(found, applied, policies))]


def without(kind: str, name: str) -> dict[str, dict[str, str]]:
    return WANTED | {kind: {key: value for key, value in WANTED[kind].items() if key != name}}


def test_the_stated_schema_is_no_drift_of_itself_and_knows_every_migration() -> None:
    assert list(compare(stated(), migrations(), Database(stated(), migrations()))) == []
    assert text_of(stated()).count("CREATE INDEX") == 4


def test_a_migration_too_few_or_too_many_is_told_instead_of_what_it_makes() -> None:
    assert told({kind: {} for kind in WANTED}, frozenset({"1"})) == [("migrations", "migration", "2")]
    assert told(WANTED, VERSIONS | {"3"}) == [("migrations", "migration unknown", "3")]


def test_a_dropped_table_is_told_without_its_columns_and_indexes() -> None:
    assert told({**without("table", "rag.b"), "column": {"rag.a.name": "text NOT NULL"}, "index": {}}) == [
        ("timescaledb", "table", "rag.b")
    ]


def test_columns_constraints_and_indexes_are_told() -> None:
    assert told(without("column", "rag.b.name")) == [("timescaledb", "column", "rag.b.name")]
    assert told(WANTED | {"column": WANTED["column"] | {"rag.b.name": "integer"}}) == [
        ("timescaledb", "column", "rag.b.name")
    ]
    assert told(without("constraint", "rag.a.a_pkey")) == [("timescaledb", "column", "rag.a.a_pkey")]
    assert told(without("index", "rag.b_name")) == [("timescaledb", "index", "rag.b_name")]


def test_what_no_migration_made_is_told_but_for_more_indexes() -> None:
    more = {
        "table": {**WANTED["table"], "rag.c": "table"},
        "column": {**WANTED["column"], "rag.a.more": "text", "rag.c.name": "text"},
        "constraint": WANTED["constraint"],
        "index": {**WANTED["index"], "rag.more": "CREATE INDEX more ON rag.a USING btree (name)"},
    }
    assert told(more) == [("timescaledb", "unknown table", "rag.c"), ("timescaledb", "unknown table", "rag.a.more")]


def test_policies_are_wanted_where_there_is_timescaledb_only() -> None:
    assert told(WANTED, policies=None) == told(WANTED, policies=COMPRESSED) == []
    assert told(WANTED, policies={"query_log": "30 days"}) == [
        ("timescaledb", "policy", "rag.query_log"),
        ("timescaledb", "policy", "rag.breaker_events"),
    ]
