"""The critical functions, tried at one release's own services: search, query, ingest, list and rotate.

They work on a collection of their own with one document that is known, so that they need none of the stack's and leave
none of theirs.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

from conformance.check import NonconformingError, expect
from conformance.http import Answer, ask
from conformance.sample import succeeded
from infra.rollout.gateway import synthetic
from infra.rollout.measurements import Check
from infra.secret import SecretState
from infra.service_users import ServiceUsers

NAME = "rollout-checks"
"""The collection, and its folder: always the same, so that what a killed engine has left is found by the next one."""

KNOWN = "the-brass-astrolabe.md"
QUESTION = "Who repaired the brass astrolabe of Samarkand?"
TEXT = "# The brass astrolabe\n\nThe brass astrolabe of Samarkand was repaired by the watchmaker Ilse Varga in 1911.\n"

TIMEOUT_S = 10.0  # of one request
QUESTION_S = 60.0  # of a question
KEPT_S = 10.0  # a job is kept for the release that accepted it: the services' LEASE_S
READY_S = 20.0  # for a document of three lines, on a machine that is busy
POLL_S = 0.2


@dataclass(frozen=True)
class Place:
    """Where one release answers: the URL of each of its services; of what it has no candidate for, the stable one's."""

    release: Literal["stable", "candidate"]
    urls: Mapping[str, str]
    secrets: tuple[str, ...]  # of the services: those that pass
    folder: Path  # of the collection, on this machine

    def ask(self, service: str, method: str, path: str, body: object = None, timeout_s: float = TIMEOUT_S) -> Answer:
        """What a service answers; raises NonconformingError where it does not."""
        return ask(self.urls[service], method, path, headers=synthetic(), body=body, timeout_s=timeout_s)


class AnotherDidItError(Exception):
    """The release was busy or silent for so long that the other one may have done what it was asked."""


def tried(place: Place, function: str) -> list[Check]:
    """One try of a critical function; none where it says nothing of the release."""
    try:
        return [Check(function, place.release, True, FUNCTIONS[function](place))]
    except AnotherDidItError:
        return []
    except (NonconformingError, OSError, LookupError, TypeError) as error:  # the last two: JSON of another shape
        return [Check(function, place.release, False, str(error) or type(error).__name__)]


@contextmanager
def collection(place: Place) -> Iterator[None]:
    """Have the collection with its one document be there inside the block, and gone after it.

    Raises NonconformingError where it cannot be made.
    """
    try:
        place.folder.mkdir(exist_ok=True)
        (place.folder / KNOWN).write_text(TEXT)
        made = place.ask("collections", "POST", "/api/v1/collections", {"name": NAME, "directory": NAME})
        expect(made.status in {201, 409}, f"{made}; expected 201")
        _ingested(place, KNOWN)
        yield
    finally:
        remove(place)


def remove(place: Place) -> None:
    """Have the collection and its folder be gone; what cannot be removed now is found by the next rollout."""
    with suppress(NonconformingError, OSError):
        gone = place.ask("collections", "DELETE", f"/api/v1/collections/{NAME}")
        expect(gone.status in {204, 404}, f"{gone}; expected 204")
        for path in place.folder.glob("*.md"):
            path.unlink(missing_ok=True)
        place.folder.rmdir()


def _search(place: Place) -> str:
    found = _found(place, QUESTION)
    expect(KNOWN in found, f"a search for what {KNOWN} says found {found or 'nothing'}")
    return f"found {KNOWN}"


def _found(place: Place, words: str) -> list[str]:
    """The documents that a search finds that nobody has made before, so that no cache answers."""
    asked = urlencode({"q": f"{words} {secrets.token_hex(4)}", "collection": NAME})
    answer = place.ask("query", "GET", f"/api/v1/rag/search?{asked}")
    expect("X-Service-Degraded" not in answer.headers, f"{answer}: it is a stale one")
    return [one["document"]["path"] for one in succeeded(answer)["results"]]


def _query(place: Place) -> str:
    """By way of the rag-service, which passes it on to query: so both are tried."""
    body = {"question": f"{QUESTION} {secrets.token_hex(4)}", "collection": NAME}
    answer = place.ask("rag-service", "POST", "/api/v1/rag/query", body, timeout_s=QUESTION_S)
    said = succeeded(answer)
    expect("X-Service-Degraded" not in answer.headers, f"{answer}: it is a stale one")
    expect(said["answer"], f"{answer}: an empty answer")
    cited = [citation["path"] for citation in said["citations"]]
    expect(KNOWN in cited, f"{answer}: it cites {cited or 'nothing'}, not {KNOWN}")
    return f"answered from {KNOWN}"


def _ingest(place: Place) -> str:
    """The document stays until the release's next try: what is to be seen of it at the vector nodes is seen later."""
    for old in place.folder.glob(f"{place.release}-*.md"):
        old.unlink()
        _job(place, old.name)
    word = f"quillon{secrets.token_hex(6)}"
    path = place.folder / f"{place.release}-{word}.md"
    path.write_text(f"# {word}\n\nThe {word} hangs beside the harbour gate.\n")
    _ingested(place, path.name)
    _until(lambda: path.name in _found(place, word), f"a search finds {path.name}")
    return "a new document was found"


def _ingested(place: Place, name: str) -> None:
    """Have the release do it, also where the stable one's watcher of the folder was there first."""
    job = _job(place, name, force=True)
    expect(job["state"] == "done" and job["counts"]["indexed"] == 1, f"ingesting {name} ended as {job}")
    created, started = (datetime.fromisoformat(job[at]) for at in ("created_at", "started_at"))
    if (started - created).total_seconds() >= KEPT_S:
        raise AnotherDidItError


def _job(place: Place, name: str, *, force: bool = False) -> dict[str, Any]:
    """A job for that document, when it has ended."""
    wanted = {"collection": NAME, "paths": [name], "force": force}
    started = place.ask("ingestion", "POST", "/api/v1/ingestion/jobs", wanted)
    expect(started.status == 202, f"{started}; expected 202")
    path = f"/api/v1/ingestion/jobs/{quote(started.json()['id'])}"
    job: dict[str, Any] = {}

    def ended() -> bool:
        job.update(succeeded(place.ask("ingestion", "GET", path)))
        return job["state"] in {"done", "failed"}

    _until(ended, f"the job for {name} ends")
    return job


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + READY_S
    while not holds():
        expect(time.monotonic() < deadline, f"not within {READY_S:g} s: {what}")
        time.sleep(POLL_S)


def _list(place: Place) -> str:
    listed = succeeded(place.ask("collections", "GET", "/api/v1/collections"))["collections"]
    expect(NAME in [one["name"] for one in listed], f"the list of collections lacks {NAME}")
    documents = succeeded(place.ask("collections", "GET", f"/api/v1/collections/{NAME}/documents"))["documents"]
    expect(KNOWN in [one["path"] for one in documents], f"the list of documents lacks {KNOWN}")
    succeeded(place.ask("rag-service", "GET", "/api/v1/docs"))
    return f"{len(listed)} collections, and {KNOWN} in its own"


def _rotate(place: Place) -> str:
    """What a rotation needs, without one: every secret that is to pass does, at every service, and no other."""
    ports = {service: int(url.rpartition(":")[2]) for service, url in place.urls.items()}
    users, wrong = ServiceUsers(ports), secrets.token_hex(16)
    said = [line for secret in place.secrets for line in users.refuse_the_old(SecretState(secret, wrong))]
    expect(not said, f"to a secret that passes, or to a wrong one: {', '.join(said)}")
    return f"{len(ports)} services let {len(place.secrets)} secrets in and no other"


FUNCTIONS: Mapping[str, Callable[[Place], str]] = {
    "search": _search,
    "query": _query,
    "ingest": _ingest,
    "list": _list,
    "rotate": _rotate,
}
"""Each says what it found, or raises NonconformingError."""
