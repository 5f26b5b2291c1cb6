import asyncio
from collections.abc import Sequence
from datetime import UTC

import pytest
from starlette.requests import ClientDisconnect

from services.common.database import DatabaseUnavailableError
from services.common.errors import NotFoundError
from services.query.fallback import Answered, Source
from services.query.query_log import Entry, QueryLog
from services.query.replies import Reply


async def _write(_: Sequence[Entry]) -> None: ...


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("no such collection"), 404),
        (DatabaseUnavailableError("away"), 503),
        (ClientDisconnect(), 499),
        (asyncio.CancelledError(), 499),
        (GeneratorExit(), 499),
        (ValueError("a defect"), 500),
    ],
)
async def test_the_status_says_how_it_ended(error: BaseException, status: int) -> None:
    log = QueryLog(_write, capacity=10)
    with pytest.raises(type(error)), log.recording("search", "docs", "why?", None) as recorded:
        _find_and_fail(recorded, error)
    assert (recorded.status, recorded.results, recorded.top_score, recorded.answered_from) == (status, 1, 0.5, "stale")


def _find_and_fail(recorded: Entry, error: BaseException) -> None:
    recorded.answered(Answered(Reply(b"{}", 1, 0.5), Source.STALE, 60.0))
    raise error


async def test_what_ends_well_is_200_and_timed() -> None:
    log = QueryLog(_write, capacity=10)
    with log.recording("search", "docs", "why?", "app") as recorded:
        recorded.answered(Answered(Reply(b"{}", 0, None)))
        await asyncio.sleep(0.002)
    assert (recorded.status, recorded.answered_from, recorded.took_ms >= 2) == (200, "live", True)
    assert recorded.asked_at.tzinfo is UTC
