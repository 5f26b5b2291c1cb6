"""Haystack's retriever in a pipeline behind the embedder, run asynchronously, as its documentation has them."""

from haystack import Document, Pipeline
from haystack_integrations.components.embedders.ollama import OllamaTextEmbedder
from haystack_integrations.components.retrievers.qdrant import QdrantEmbeddingRetriever
from haystack_integrations.document_stores.qdrant import QdrantDocumentStore
from qdrant_client import QdrantClient

from benchmarks.retrievers.filling import create
from benchmarks.retrievers.session import Given, Retrieve, serve


async def prepare(given: Given) -> Retrieve:
    """Fill the collection, and make the pipeline."""
    create(QdrantClient(**given.client), given)  # the store would ask for settings that not every node knows
    store = QdrantDocumentStore(**given.client, index=given.collection, embedding_dim=given.size, progress_bar=False)
    chunks = given.read_chunks()
    store.write_documents([Document(content=c.text, embedding=c.vector, meta={"path": c.path}) for c in chunks])
    pipeline = Pipeline()
    pipeline.add_component("embedder", OllamaTextEmbedder(model=given.model, url=given.ollama))
    pipeline.add_component("retriever", QdrantEmbeddingRetriever(store, top_k=given.limit))
    pipeline.connect("embedder.embedding", "retriever.query_embedding")

    async def retrieve(question: str) -> int:
        answer = await pipeline.run_async({"embedder": {"text": question}})
        return len(answer["retriever"]["documents"])

    return retrieve


serve(prepare)
