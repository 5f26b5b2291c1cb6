"""The collections that the retrievers search: like the stack's own."""

from collections.abc import Sequence
from typing import Any

from qdrant_client import QdrantClient, models

from benchmarks.retrievers.session import Given


def create(client: QdrantClient, given: Given) -> None:
    """Make the collection, for vectors without a name, and replicated."""
    params = models.VectorParams(size=given.size, distance=models.Distance.COSINE)
    client.create_collection(given.collection, vectors_config=params, **given.replication)


def fill(client: QdrantClient, given: Given, payloads: Sequence[dict[str, Any]]) -> None:
    """Make the collection with all chunks, a payload for each."""
    create(client, given)
    vectors = [chunk.vector for chunk in given.read_chunks()]
    client.upload_collection(given.collection, vectors, payloads, wait=True)
