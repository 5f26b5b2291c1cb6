from services.common.collections import Collection
from services.ingestion.points import Document, recipe
from services.ingestion.reading.split import Chunk


def document(**changes: str) -> Document:
    fields = {"collection": "docs", "path": "a.md", "format": "markdown", "content_hash": "h", "recipe": "r"}
    return Document(**{**fields, **changes}, size=1, title="T", chunks=[Chunk("text", "S", "S", 2), Chunk("b", "T")])


def test_ids_depend_on_what_identifies_a_chunk_and_on_nothing_else() -> None:
    first = document().point(0, [1.0])
    assert first.id == document(format="text").point(0, [2.0]).id
    others = [{"collection": "x"}, {"path": "x"}, {"content_hash": "x"}, {"recipe": "x"}]
    assert len({first.id, document().point(1, []).id, *(document(**other).point(0, []).id for other in others)}) == 6


def test_a_document_keeps_its_id_when_its_content_changes() -> None:
    assert document().id == document(content_hash="x", recipe="x").id
    assert len({document().id, document(path="x").id, document(collection="x").id}) == 3


def test_a_point_tells_where_it_comes_from() -> None:
    own = document()
    assert own.point(0, [1.0]).payload == {
        "path": "a.md", "title": "T", "document_id": own.id, "chunk": 0, "text": "text", "section": "S", "page": 2,
        "format": "markdown", "version": own.version,
    }  # fmt: skip
    assert own.embedded(0) == "S\ntext"


def test_stale_are_the_points_of_the_path_with_another_version() -> None:
    assert document().stale == {
        "must": [{"key": "path", "match": {"value": "a.md"}}],
        "must_not": [{"key": "version", "match": {"value": document().version}}],
    }
    assert document().version != document(recipe="x").version


def test_the_recipe_changes_with_the_model_and_the_sizes() -> None:
    base = Collection(name="docs", directory="docs", embedding_model="m")
    changes: list[dict[str, object]] = [{}, {"embedding_model": "n"}, {"chunk_tokens": 128}, {"chunk_overlap": 8}]
    assert len({recipe(base.model_copy(update=change)) for change in changes}) == 4
    assert recipe(base) == recipe(base.model_copy(update={"name": "other", "directory": "x"}))
