import asyncio
import signal
from contextlib import suppress

import psutil
import pytest

from services.ingestion.reader import Reader
from services.ingestion.reading import __main__ as process
from services.ingestion.reading.content import UnreadableError
from services.ingestion.reading.formats import Wanted
from tests.servers import eventually

TEXT = Wanted("a.txt", "text", 64, 8)


def children() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "services.ingestion.reading" in child.cmdline():
                found.append(child)
    return found


async def test_documents_are_read_by_one_process_that_outlives_a_bad_one() -> None:
    async with Reader() as reader:
        found = await reader.read(TEXT, b"Title\n\nText.")
        (child,) = children()
        with pytest.raises(UnreadableError, match="is not UTF-8"):
            await reader.read(TEXT, b"\xff")
        with pytest.raises(UnreadableError, match="cannot be read: ModuleNotFoundError"):
            await reader.read(Wanted("a.x", "unheard_of", 64, 8), b"")
        again = await reader.read(TEXT, b"Title\n\nText.")
        assert children() == [child]
    assert (found.title, [chunk.text for chunk in found.chunks]) == ("Title", ["Title\n\nText."])
    assert again == found
    assert not children()


async def test_an_idle_process_is_ended_and_the_next_document_starts_another() -> None:
    async with Reader(idle_s=0.05) as reader:
        await reader.read(TEXT, b"Text.")
        await eventually(lambda: not children())
        assert (await reader.read(TEXT, b"Text.")).title == "a.txt"


async def test_a_process_that_dies_costs_its_document_only() -> None:
    async with Reader() as reader:
        for sent, reason in ((signal.SIGALRM, "takes longer than 120 s"), (signal.SIGKILL, "ended with status -9")):
            reading = asyncio.create_task(reader.read(TEXT, b"x" * 16_000_000))
            await eventually(children)
            children()[0].send_signal(sent)
            with pytest.raises(UnreadableError, match=reason):
                await reading


async def test_a_cancelled_reading_leaves_no_answer_behind() -> None:
    async with Reader() as reader:
        reading = asyncio.create_task(reader.read(TEXT, b"x" * 1_000_000))
        await eventually(children)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert (await reader.read(TEXT, b"Text.")).chunks[0].text == "Text."


@pytest.mark.parametrize(
    ("error", "reason"),
    [(MemoryError(), "needs more than 600 MiB"), (KeyError("\0x"), "cannot be read: KeyError: 'x00x'")],
)
def test_whatever_a_document_breaks_becomes_its_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(process, "read", broken)
    assert reason.replace("x00", "\\\\x00") in process._answer(TEXT, b"").decode()
