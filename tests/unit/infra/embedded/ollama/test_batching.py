import asyncio

import pytest

from infra.embedded.ollama.batching import BATCH_TOKENS, Batcher, InputTooLongError, ServerBusyError
from tests.servers import eventually

from .conftest import MAX_QUEUE, MAX_WORDS, FakeModel


def text(first: int, words: int) -> str:
    return " ".join([str(first), *["word"] * (words - 1)])


async def vectors(batcher: Batcher, texts: list[str]) -> list[float]:
    return [float(row[0]) for row in (await batcher.embed(texts)).embeddings]


async def busy(model: FakeModel) -> None:
    await eventually(lambda: len(model.batches) == 1)


async def waiting(batcher: Batcher, requests: int) -> None:
    await eventually(lambda: len(batcher._requests) == requests)


async def test_each_text_gets_its_own_vector_in_order_whatever_the_lengths(batcher: Batcher) -> None:
    texts = [text(n, 1 + n * 37 % 200) for n in range(1, 40)]
    assert await vectors(batcher, texts) == list(range(1, 40))


async def test_tokens_are_counted_as_read(batcher: Batcher) -> None:
    assert (await batcher.embed([text(1, 3), text(2, MAX_WORDS + 50)])).tokens == 3 + MAX_WORDS


async def test_no_texts_have_no_vectors(batcher: Batcher, model: FakeModel) -> None:
    assert await vectors(batcher, []) == []
    assert model.batches == []


async def test_no_batch_is_larger_than_it_may_or_mostly_padding(batcher: Batcher, model: FakeModel) -> None:
    await batcher.embed([text(n, 1 + n * 37 % 200) for n in range(1, 60)])
    for batch in model.batches:
        lengths = [len(tokens.ids) for tokens in batch]
        assert len(batch) == 1 or max(lengths) * len(batch) <= BATCH_TOKENS
        assert min(lengths) * 2 >= max(lengths)


async def test_requests_that_wait_share_a_batch(batcher: Batcher, model: FakeModel) -> None:
    model.gate.clear()
    first = asyncio.create_task(vectors(batcher, [text(1, 5)]))
    await busy(model)
    others = [asyncio.create_task(vectors(batcher, [text(n, 5)])) for n in (2, 3)]
    await waiting(batcher, 2)
    model.gate.set()
    assert await asyncio.gather(first, *others) == [[1], [2], [3]]
    assert len(model.batches) == 2


async def test_a_large_request_does_not_hold_up_a_small_one(batcher: Batcher, model: FakeModel) -> None:
    model.gate.clear()
    large = asyncio.create_task(vectors(batcher, [text(n, MAX_WORDS) for n in range(1, 30)]))
    await busy(model)
    small = asyncio.create_task(vectors(batcher, [text(100, 4)]))
    await waiting(batcher, 2)
    model.gate.set()
    assert await small == [100]
    assert not large.done()
    assert await large == list(range(1, 30))


async def test_what_a_cancelled_request_has_left_is_not_embedded(batcher: Batcher, model: FakeModel) -> None:
    model.gate.clear()
    large = asyncio.create_task(vectors(batcher, [text(n, MAX_WORDS) for n in range(1, 30)]))
    await busy(model)
    large.cancel()
    await asyncio.gather(large, return_exceptions=True)
    model.gate.set()
    assert await vectors(batcher, [text(7, 4)]) == [7]
    assert model.embedded < 5


async def test_more_requests_than_may_wait_are_refused_until_one_ends(batcher: Batcher, model: FakeModel) -> None:
    model.gate.clear()
    requests = [asyncio.create_task(vectors(batcher, [text(n, 5)])) for n in range(1, MAX_QUEUE + 1)]
    await busy(model)
    with pytest.raises(ServerBusyError):
        await batcher.embed([text(9, 5)])
    requests[0].cancel()
    await asyncio.wait(requests[:1])
    requests[0] = asyncio.create_task(vectors(batcher, [text(9, 5)]))
    model.gate.set()
    assert await asyncio.gather(*requests) == [[9], [2], [3]]


async def test_a_failing_batch_fails_its_requests_and_no_others(batcher: Batcher) -> None:
    with pytest.raises(RuntimeError, match="a poisoned batch"):
        await batcher.embed([text(1, 5), "poison"])
    assert await vectors(batcher, [text(2, 5)]) == [2]


async def test_a_long_text_is_refused_only_where_it_must_not_be_cut(batcher: Batcher) -> None:
    long = text(1, MAX_WORDS + 1)
    assert await vectors(batcher, [long]) == [1]
    assert (await batcher.embed([text(1, MAX_WORDS)], truncate=False)).tokens == MAX_WORDS
    with pytest.raises(InputTooLongError):
        await batcher.embed([text(2, 5), long], truncate=False)
