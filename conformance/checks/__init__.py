"""All checks, a module for each group. A module's `checks(stack, sample)` gives those of its group."""

from conformance.checks import (
    cors,
    documents,
    health,
    internal,
    legacy,
    limits,
    mistakes,
    outputs,
    persistence,
    ports,
    questions,
    routes,
    search,
    tokens,
    vectors,
)

GROUPS = (
    *(outputs, ports, health),
    *(routes, legacy, tokens, internal, mistakes, cors),
    *(search, questions, documents, vectors),
    *(persistence, limits),  # what restarts something comes late, and what uses up a budget last
)
"""In the order in which they are made."""
