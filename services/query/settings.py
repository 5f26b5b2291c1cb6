"""Settings of the query service."""

from services.common.settings import DatabaseSettings, OllamaSettings, QdrantSettings, ServiceSettings


class QuerySettings(ServiceSettings, QdrantSettings, OllamaSettings, DatabaseSettings):
    """What the query service is told beyond the shared settings."""

    port: int = 8202
    redis_url: str = "redis://127.0.0.1:6380/0"
    default_collection: str = "docs"
    query_log_capacity: int = 10_000  # entries waiting for the database; beyond it they are dropped and counted
