"""The load of an experiment that asks many endpoints: requests of all kinds, mixed by weight."""

from collections.abc import Iterator, Mapping

from chaos.load import always, distinct, mixed, repeated
from chaos.operations import OPERATIONS, Ask
from chaos.questions import QUESTIONS
from infra.own_stack import INBOX

CACHED = "cached"
"""Among the weights: searches that the cache may know after the first round."""

ASKED = frozenset({"search", "question", "question-streamed", "rag-search", "rag-question"})
"""The operations that take a question; each of theirs is a new one."""


def traffic(weights: Mapping[str, float], *, run: str, seed: int) -> Iterator[Ask]:
    """Requests of the named operations, drawn by weight, without end; `run` tells the questions of two runs apart."""
    sources = {name: always(OPERATIONS[name]) for name in weights if name not in ASKED | {CACHED, "reindex"}}
    sources |= {name: distinct(OPERATIONS[name], QUESTIONS, run=f"{run}-{name}") for name in weights if name in ASKED}
    sources[CACHED] = repeated(OPERATIONS["search"], QUESTIONS[:4])
    sources["reindex"] = always(OPERATIONS["reindex"], collection=INBOX)
    return mixed(weights, sources, seed=seed)
