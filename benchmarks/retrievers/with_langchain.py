"""LangChain's retriever. Its Qdrant store has no asynchronous search: `ainvoke` uses threads; there are enough."""

from langchain_ollama import OllamaEmbeddings
from langchain_qdrant import QdrantVectorStore
from qdrant_client import QdrantClient

from benchmarks.retrievers.filling import fill
from benchmarks.retrievers.session import Given, Retrieve, serve


async def prepare(given: Given) -> Retrieve:
    """Fill the collection, and make the retriever."""
    client, chunks = QdrantClient(**given.client), given.read_chunks()
    # What the store's `add_texts` writes, without embedding all of it once more.
    fill(client, given, [{"page_content": chunk.text, "metadata": {"path": chunk.path}} for chunk in chunks])
    embedding = OllamaEmbeddings(model=given.model, base_url=given.ollama)
    store = QdrantVectorStore(client, given.collection, embedding=embedding)
    retriever = store.as_retriever(search_kwargs={"k": given.limit})

    async def retrieve(question: str) -> int:
        return len(await retriever.ainvoke(question))

    return retrieve


serve(prepare)
