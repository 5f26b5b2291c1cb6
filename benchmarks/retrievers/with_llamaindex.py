"""LlamaIndex's retriever, used asynchronously: its page "Qdrant Vector Store", section "Async"."""

from llama_index.core import VectorStoreIndex
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.utils import node_to_metadata_dict
from llama_index.embeddings.ollama import OllamaEmbedding
from llama_index.vector_stores.qdrant import QdrantVectorStore
from qdrant_client import AsyncQdrantClient, QdrantClient

from benchmarks.retrievers.filling import fill
from benchmarks.retrievers.session import Given, Retrieve, serve


async def prepare(given: Given) -> Retrieve:
    """Fill the collection, and make the retriever."""
    client, chunks = QdrantClient(**given.client), given.read_chunks()
    # What the store's `add` writes, but for the vector's name, which the store finds to be none.
    nodes = [TextNode(text=chunk.text, metadata={"path": chunk.path}) for chunk in chunks]
    fill(client, given, [node_to_metadata_dict(node) for node in nodes])
    store = QdrantVectorStore(given.collection, client=client, aclient=AsyncQdrantClient(**given.client))
    embedding = OllamaEmbedding(model_name=given.model, base_url=given.ollama)
    index = VectorStoreIndex.from_vector_store(store, embed_model=embedding)
    retriever = index.as_retriever(similarity_top_k=given.limit)

    async def retrieve(question: str) -> int:
        return len(await retriever.aretrieve(question))

    return retrieve


serve(prepare)
