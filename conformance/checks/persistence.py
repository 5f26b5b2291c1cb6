"""What was ingested survives the restart of every component that keeps data, one after the other."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from conformance import targets
from conformance.check import Check, NotApplicableError, expect
from conformance.checks.health import problem_of
from conformance.checks.search import results, searched
from conformance.checks.vectors import AGREED_S, agree, everywhere
from conformance.sample import PATH, Sample, succeeded
from conformance.stack import Stack

FOUND_S = 60.0  # a breaker that opened meanwhile lets a call through after 30 s


def checks(stack: Stack, sample: Sample) -> Iterator[Check]:
    """For each stateful component."""
    for name in (one.component for one in stack.manifest.components if one.stateful):
        yield Check(f"a document is found after a restart of {name}", partial(_survives, stack, sample, name))


def _survives(stack: Stack, sample: Sample, name: str) -> None:
    documents = sample.contents.documents
    stack.say(f"restarting {name}")
    targets.restart(stack.outputs, name)
    component = stack.designed[name]
    with suppress(NotApplicableError):  # its port is not published: that a search succeeds says it
        stack.until(lambda: problem_of(stack, component) is None, component.health.start_s, f"{name} is healthy again")

    def found() -> bool:
        answer = searched(stack, sample)
        paths = {one["document"]["path"] for one in results(answer)}
        expect(paths and paths <= set(documents), f"{answer}: nothing of what was ingested, or something else")
        stats = succeeded(stack.ask("GET", f"{PATH}/stats"))
        kept = stats["indexed"], stats["vectors"]
        expect(kept == (len(documents), sample.contents.chunks), f"documents and vectors that are left: {kept}")
        return True

    def complete() -> bool:
        agree(stack)
        everywhere(stack, sample)
        return True

    stack.until(found, FOUND_S, f"a new search is answered after the restart of {name}")
    with suppress(NotApplicableError):  # nor are the nodes' ports
        stack.until(complete, AGREED_S, f"every node has everything after the restart of {name}")
