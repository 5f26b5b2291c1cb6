"""Settings of rag-service."""

from pathlib import Path

from services.common.settings import ServiceSettings


class RagSettings(ServiceSettings):
    """What rag-service is told beyond the shared settings."""

    port: int = 3402
    docs_root: Path = Path("docs")  # the folder of the documentation API
    query_url: str = "http://127.0.0.1:8202"
