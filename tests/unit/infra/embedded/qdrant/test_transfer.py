"""What of recovering needs no second node; tests/integration has the rest."""

import asyncio
from typing import cast

import pytest

from infra.embedded.qdrant.cluster import Cluster
from infra.embedded.qdrant.document import Document
from infra.embedded.qdrant.replicas import Replicas
from infra.embedded.qdrant.transfer import Transfer


class Idle:
    """A cluster without collections."""

    me = 1
    document = Document("c", 1, {})

    def __init__(self) -> None:
        self.news = asyncio.Event()


@pytest.mark.parametrize("ticks", range(4))  # the news is on its way through the loop
async def test_a_node_stopped_in_the_moment_it_hears_news_stops(ticks: int) -> None:
    cluster = Idle()
    running = asyncio.create_task(Transfer(cast("Cluster", cluster), cast("Replicas", None)).run())
    await asyncio.sleep(0.01)
    news, cluster.news = cluster.news, asyncio.Event()
    news.set()
    for _ in range(ticks):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(20):
            await running
