"""A node answers while it works."""

import threading
import time

from tests.integration.embedded.qdrant.nodes import Node


def test_a_node_says_that_it_lives_while_it_takes_a_large_write(nodes: list[Node]) -> None:
    nodes[0].create(size=384)
    points = [{"id": one, "vector": [one / 1000, *([0.25] * 383)]} for one in range(3000)]
    upsert = threading.Thread(
        target=nodes[0].ask, args=("PUT", "/collections/docs/points?wait=true", {"points": points})
    )
    upsert.start()
    longest = 0.0
    while upsert.is_alive():
        start = time.monotonic()
        assert nodes[1].http.get("/livez").status_code == 200
        longest = max(longest, time.monotonic() - start)
    assert longest < 1
    assert [node.count() for node in nodes] == [3000] * 3
