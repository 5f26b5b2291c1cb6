"""The gateway's route table: the public paths, what answers them, and how long an answer may be silent.

What is not here is not reachable from outside: /internal, /metrics, /health and /ready stay inside.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """One row. Paths are templates as FastAPI writes them: `{x}` is one segment, `{x:path}` one or more.

    `legacy` are the older unversioned paths; `timeout_s` bounds the silence between two bytes of an answer.
    `budget_s` is what the services behind it may spend on the whole request: less, so that their own answer, a stale
    one or an honest 503, comes before the gateway's 504. None: as long as it takes.
    """

    name: str
    service: str
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    legacy: tuple[str, ...] = ()
    timeout_s: int = 15
    budget_s: int | None = 10


GENERATION_S = 300  # a large model on a CPU may think for minutes before its first token
ANSWER_S = 290
EVENTS_S = 3600  # a job's progress may rest while one large document is embedded

ROUTES = (
    Route("search", "query", ("GET",), ("/api/v1/rag/search",), ("/search",)),
    Route("question", "query", ("POST",), ("/api/v1/rag/query",), ("/query",), GENERATION_S, ANSWER_S),
    Route("rag-status", "rag-service", ("GET",), ("/api/v1/rag/status",), ("/api/rag/status",)),
    Route("rag-search", "rag-service", ("GET",), (), ("/api/rag/search",)),
    Route("rag-question", "rag-service", ("POST",), (), ("/api/rag/query",), GENERATION_S, ANSWER_S),
    Route(
        "docs",
        "rag-service",
        ("GET",),
        ("/api/v1/docs", "/api/v1/docs/{path:path}"),
        ("/api/docs", "/api/docs/{path:path}"),
    ),
    Route(
        "collections",
        "collections",
        ("GET", "POST", "PUT", "PATCH", "DELETE"),
        ("/api/v1/collections", "/api/v1/collections/{path:path}"),
        ("/collections", "/collections/{path:path}"),
    ),
    Route("jobs", "ingestion", ("GET", "POST"), ("/api/v1/ingestion/jobs",)),
    Route("job", "ingestion", ("GET",), ("/api/v1/ingestion/jobs/{id}",)),
    Route("job-events", "ingestion", ("GET",), ("/api/v1/ingestion/jobs/{id}/events",), (), EVENTS_S, None),
    Route("ingest", "ingestion", ("POST",), (), ("/ingest",)),
)


def pattern(template: str) -> str:
    """The regular expression that the whole of a path must match to fit `template`."""
    literal = re.split(r"(\{\w+(?::path)?\})", template)
    return "".join(_segment(part) for part in literal)


def _segment(part: str) -> str:
    if part.startswith("{"):
        return ".+" if part.endswith(":path}") else "[^/]+"
    return re.escape(part).replace(r"\-", "-")
