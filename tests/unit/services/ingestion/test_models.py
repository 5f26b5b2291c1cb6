import pytest
from pydantic import ValidationError

from services.ingestion.models import JobBody


@pytest.mark.parametrize(("given", "path"), [("a.md", "a.md"), ("./a//b.md", "a/b.md"), ("a/../b.md", "b.md")])
def test_a_path_has_one_spelling(given: str, path: str) -> None:
    assert JobBody(collection="docs", paths=[given]).paths == [path]


@pytest.mark.parametrize("path", ["", ".", "..", "/a.md", "../a.md", "a/../../b.md", "a\0.md", "a" * 1025])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        JobBody(collection="docs", paths=[path])
