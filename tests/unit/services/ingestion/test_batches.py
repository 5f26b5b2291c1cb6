import asyncio
from collections.abc import Sequence

import pytest

from services.ingestion.batches import batches


def never_full(_: Sequence[str]) -> bool:
    return False


async def test_documents_are_read_ahead_and_come_in_order_together() -> None:
    started: list[str] = []
    proceed = asyncio.Event()

    async def read(path: str) -> str:
        started.append(path)
        if path == "c":
            await proceed.wait()
        return path.upper()

    found = batches("abcde", read, ahead=3, full=never_full)
    assert await anext(found) == ["A", "B"]
    proceed.set()
    assert [batch async for batch in found] == [["C", "D", "E"]]
    assert started == [*"abcde"]


async def test_a_batch_ends_where_it_is_full() -> None:
    async def read(path: str) -> str:
        return path

    found = batches("abcdef", read, ahead=6, full=lambda batch: len(batch) >= 2)
    sizes = [len(batch) async for batch in found]
    assert max(sizes) == 2
    assert sum(sizes) == 6


async def test_what_fails_ends_the_reading_of_the_others() -> None:
    ended: list[str] = []

    async def read(path: str) -> str:
        if path == "a":
            raise RuntimeError("broken")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(path)
        return path

    with pytest.raises(RuntimeError, match="broken"):
        async for _ in batches("abc", read, ahead=3, full=never_full):
            pass
    assert sorted(ended) == ["b", "c"]
