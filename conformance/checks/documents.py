"""Documents are ingested by jobs that can be followed, and can be read."""

from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

from conformance.check import Check, NotApplicableError, expect
from conformance.checks.questions import events_of
from conformance.sample import NAME, Sample, succeeded
from conformance.stack import Stack

JOB_S = 60.0
JOBS, DOCS = "/api/v1/ingestion/jobs", "/api/v1/docs"


def checks(stack: Stack, sample: Sample) -> Iterator[Check]:
    """A job, and a document of the documentation API."""
    yield Check("a job is recorded, followed and done", partial(_job, stack, sample))
    yield Check("a listed document can be read", partial(_document, stack))


def _job(stack: Stack, sample: Sample) -> None:
    documents = sample.contents.documents
    started = stack.ask("POST", JOBS, {"collection": NAME, "paths": list(documents)})
    expect(started.status == 202, f"{started}; expected 202")
    path = started.header("Location")
    expect(path == f"{JOBS}/{started.json()['id']}", f"{started}: its Location is {path}")
    stack.until(lambda: succeeded(stack.ask("GET", path))["state"] == "done", JOB_S, f"{path} is done")
    counts = succeeded(stack.ask("GET", path))["counts"]
    expect(counts["unchanged"] == len(documents), f"{path} has {counts}; expected {len(documents)} unchanged")
    events = events_of(stack.ask("GET", f"{path}/events"))
    expect(len(events) == len(documents) + 1, f"{path}/events has {len(events)} events for {len(documents)} documents")
    listed = succeeded(stack.ask("GET", f"{JOBS}?collection={NAME}&limit=1"))["jobs"]
    expect([one["id"] for one in listed] == [started.json()["id"]], f"{path} is not the newest of its collection")


def _document(stack: Stack) -> None:
    listed = succeeded(stack.ask("GET", f"{DOCS}?limit=1"))["documents"]
    if not listed:
        raise NotApplicableError("the documentation API has no documents")
    (document,) = listed
    answer = stack.ask("GET", f"{DOCS}/{quote(document['path'])}")
    expect(answer.status == 200, f"{answer}; expected 200")
    expect(
        len(answer.body) == document["size"], f"{answer}: {len(answer.body)} bytes; the list says {document['size']}"
    )
    expect(answer.header("X-Content-Type-Options") == "nosniff", f"{answer}: a browser may take it for another type")
