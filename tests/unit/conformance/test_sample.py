import json

import pytest

from conformance import sample as module
from conformance import stack as stacks
from conformance.check import NonconformingError, NotApplicableError
from conformance.sample import NAME, PATH, Folder, Sample, folders, smallest
from tests.unit.conformance.conftest import Asked, Lab, Said

DOCS = ["a.md", "b.md", "examples/x.sh", "examples/deep/y.sh", "proposals/z.md"]
MISSING = Said(404, {"error": "Not Found", "detail": "does not exist"})


class Collections:
    """The collections service behind the gateway, with one collection and a folder of documents."""

    def __init__(self, *, left_over: bool = False, undeletable: bool = False, failing: bool = False) -> None:
        self.made = {"directory": "left"} if left_over else None
        self.undeletable, self.failing = undeletable, failing
        self.asked: list[str] = []

    def __call__(self, asked: Asked) -> Said:
        self.asked.append(f"{asked.method} {asked.route}")
        if asked.route == "/api/v1/collections":
            return (
                self.create(asked)
                if asked.method == "POST"
                else Said(200, {"collections": [{"name": "d", "directory": "docs"}]})
            )
        if asked.route == "/api/v1/collections/d/documents":
            return Said(200, {"documents": [{"path": path} for path in DOCS]})
        if self.made is None:
            return MISSING
        return self.contents(asked)

    def create(self, asked: Asked) -> Said:
        assert self.made is None
        self.made = json.loads(asked.body)
        return Said(201, self.made, {"Location": PATH})

    def contents(self, asked: Asked) -> Said:
        if asked.method == "DELETE":
            self.made = self.made if self.undeletable else None
            return Said(204, b"")
        if asked.route.endswith("/stats"):
            return Said(200, {"documents": 1, "files": 1, "open_jobs": 0})
        status = "failed" if self.failing else "indexed"
        return Said(200, {"documents": [{"path": "z.md", "status": status, "chunks": 3, "title": None}]})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "POLL_S", 0.01)
    monkeypatch.setattr(module, "INGESTED_S", 0.05)


def test_it_is_made_of_the_smallest_folder_once_and_removed_again(lab: Lab) -> None:
    service = Collections()
    sample = Sample(lab.stack(service))
    assert (sample.contents.documents, sample.contents.chunks, sample.contents.question) == (("z.md",), 3, "z")
    assert (service.made, sample.is_there) == ({"name": NAME, "directory": "docs/examples/deep"}, True)
    assert sample.contents is sample.contents
    sample.remove()
    assert (service.made, sample.is_there) == (None, False)


def test_what_an_earlier_run_left_is_removed_before(lab: Lab) -> None:
    service = Collections(left_over=True)
    assert Sample(lab.stack(service)).contents.chunks == 3


def test_a_collection_that_does_not_go_is_a_failure_of_every_check_that_needs_it(lab: Lab) -> None:
    service = Collections(left_over=True, undeletable=True)
    sample = Sample(lab.stack(service))
    for _ in range(2):
        with pytest.raises(NonconformingError, match="expected 404 after it was deleted"):
            _ = sample.contents
    assert service.asked.count(f"DELETE {PATH}") == 1  # it is not tried again and again


def test_documents_that_cannot_be_ingested_are_a_failure(lab: Lab) -> None:
    sample = Sample(lab.stack(Collections(failing=True)))
    with pytest.raises(NonconformingError, match="none of the documents of docs/examples/deep could be ingested"):
        _ = sample.contents
    assert sample.is_there


def test_an_ingestion_that_does_not_end_is_a_failure(lab: Lab) -> None:
    class Slow(Collections):
        def contents(self, asked: Asked) -> Said:
            return Said(200, {"documents": 0, "files": 1, "open_jobs": 1}) if asked.method == "GET" else Said(204, b"")

    with pytest.raises(NonconformingError, match="the documents of docs/examples/deep are ingested"):
        _ = Sample(lab.stack(Slow())).contents


def test_a_folder_has_what_is_below_it_too() -> None:
    assert {one.directory: one.documents for one in folders("docs", DOCS)} == {
        "docs": 5,
        "docs/examples": 2,
        "docs/examples/deep": 1,
        "docs/proposals": 1,
    }


@pytest.mark.parametrize(
    ("found", "reason"),
    [([], "the stack has no documents yet"), ([Folder("docs", 61)], "the smallest folder has 61 documents")],
)
def test_without_a_small_folder_nothing_is_made(found: list[Folder], reason: str) -> None:
    with pytest.raises(NotApplicableError, match=reason):
        smallest(found)
