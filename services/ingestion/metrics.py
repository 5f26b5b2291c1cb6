"""What the ingestion service counts."""

from prometheus_client import Counter, Gauge

OPEN_JOBS = Gauge("ingestion_jobs_open", "Jobs that wait or are worked on", ["state"])
JOBS = Counter("ingestion_jobs", "Jobs that this process ended, by how", ["state"])
DOCUMENTS = Counter("ingestion_documents", "Documents that this process dealt with, by what became of them", ["status"])
CHUNKS = Counter("ingestion_chunks_embedded", "Chunks embedded")
EMBEDDING_SECONDS = Counter("ingestion_embedding_seconds", "Time spent waiting for embeddings")
