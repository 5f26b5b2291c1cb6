import argparse

import pytest

from infra import migrate, workspace
from infra.commands import schema

OUTPUTS = {"ports": {"timescaledb/postgres": 1}, "secrets": {"databasePassword": "p"}}
URL = "postgresql://breakwater@127.0.0.1:1/rag"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stack", default="local")
    schema.arguments(parser)
    return schema.run(parser.parse_args(words))


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    done: list[tuple[str, ...]] = []
    monkeypatch.setattr(workspace, "outputs", lambda _: OUTPUTS)
    monkeypatch.setattr(migrate, "dbmate", lambda *told: done.append(told))
    monkeypatch.setattr(migrate, "migrate", lambda url, password, file: done.append((url, password, file.name)))
    return done


def test_it_shows_rolls_back_and_migrates_with_the_collections_file(done: list[tuple[str, ...]]) -> None:
    assert [run(), run("rollback"), run("migrate")] == [0, 0, 0]
    assert done == [("status", URL, "p"), ("rollback", URL, "p"), (URL, "p", "collections-config.json")]


def test_the_schema_is_dropped_only_if_that_is_confirmed(done: list[tuple[str, ...]]) -> None:
    with pytest.raises(schema.SchemaError, match="add --yes"):
        run("drop")


def test_a_database_that_does_not_answer_is_an_error_in_words(done: list[tuple[str, ...]]) -> None:
    with pytest.raises(schema.SchemaError, match=r"(?s)not dropped: .*see `make status`"):
        run("drop", "--yes")  # nobody listens on port 1
    assert done == []


def test_a_stack_that_is_down_has_no_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "outputs", lambda _: {})
    with pytest.raises(workspace.WorkspaceError, match="is not up"):
        run()
