import asyncio

import pytest
from prometheus_client import REGISTRY

from services.common.errors import UnavailableError
from services.query import cache
from services.query.cache import Cache, Kept, UnusableError, decoded, encoded, key
from services.query.replies import Reply
from tests.servers import eventually
from tests.unit.services.query.conftest import Memory

KEPT = Kept(Reply(b'{"answer":"\\n","took_ms":1}', 2, 0.5, b'{"citations":[]}'), 7, 1000.5)


@pytest.mark.parametrize("kept", [KEPT, KEPT._replace(version=None), KEPT._replace(reply=Reply(b"{}", 0, None))])
def test_an_entry_gives_back_what_was_kept(kept: Kept) -> None:
    assert decoded("key", encoded("key", kept)) == kept


def test_no_damage_to_an_entry_goes_unnoticed() -> None:
    entry = encoded("key", KEPT)
    damaged = [
        entry[:-1],
        entry + b"x",
        entry[1:],
        b"",
        b"nonsense",
        b"\n\n\n\n",
        entry.replace(b"took_ms", b"took_mS"),
    ]
    for bad in damaged:
        with pytest.raises(UnusableError):
            decoded("key", bad)


def test_the_entry_of_another_key_is_not_taken_for_this_ones() -> None:
    with pytest.raises(UnusableError):
        decoded("another", encoded("key", KEPT))


def test_keys_differ_in_whatever_they_are_made_of() -> None:
    keys = [
        key("search", "why", "docs", {"path": None}, 10),
        key("question", "why", "docs", {"path": None}, 10),
        key("search", "why", "docs", {"path": "None"}, 10),
        key("search", "whydocs", "", {"path": None}, 10),
        key("search", "why", "docs", {"path": None}, 1),
    ]
    assert len(set(keys)) == len(keys)
    assert all(made.startswith(f"answer:{cache.LAYOUT}:") for made in keys)


async def test_what_is_kept_is_read_again_soon() -> None:
    async with Cache(Memory(), keep_s=60) as kept:
        assert await kept.read("key") is None
        kept.keep("key", KEPT)
        kept.keep("another", KEPT._replace(version=8))
        await eventually(lambda: REGISTRY.get_sample_value("background_pending", {"name": "cache"}) == 0)
        await asyncio.sleep(0)
        assert await kept.read("key") == KEPT
        assert await kept.read("another") == KEPT._replace(version=8)


async def test_what_is_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    redis = Memory()
    monkeypatch.setattr(cache, "LARGEST_BYTES", len(encoded("1", KEPT)))
    async with Cache(redis, keep_s=60) as kept:
        kept.keep("12", KEPT)
        kept.keep("1", KEPT)
        await eventually(lambda: redis.entries)
    assert list(redis.entries) == ["1"]


async def test_without_redis_reading_says_so_and_writing_is_given_up() -> None:
    redis = Memory()
    redis.error = UnavailableError("away")
    async with Cache(redis, keep_s=60) as kept:
        with pytest.raises(UnusableError):
            await kept.read("key")
        kept.keep("key", KEPT)
        await eventually(lambda: REGISTRY.get_sample_value("background_pending", {"name": "cache"}) == 0)
        redis.error = None
        kept.keep("later", KEPT)
        await eventually(lambda: redis.entries)
    assert list(redis.entries) == ["later"]


async def test_a_cache_that_is_not_enabled_keeps_and_finds_nothing() -> None:
    redis = Memory()
    redis.entries["key"] = encoded("key", KEPT)
    async with Cache(redis, keep_s=60, enabled=False) as kept:
        kept.keep("another", KEPT)
        assert await kept.read("key") is None
    assert list(redis.entries) == ["key"]
