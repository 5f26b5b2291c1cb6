"""Settings of the query service."""

from pydantic import Field

from services.common.settings import OllamaSettings, StoreSettings


class QuerySettings(StoreSettings, OllamaSettings):
    """What the query service is told beyond the shared settings."""

    port: int = 8202
    redis_url: str = "redis://127.0.0.1:6380/0"
    default_collection: str = "docs"
    query_log_capacity: int = 10_000  # entries waiting for the database; beyond it they are dropped and counted
    cache_enabled: bool = True
    cache_fresh_s: float = Field(default=300.0, ge=0)  # a cached answer is as good as a live one, if nothing changed
    cache_stale_s: int = Field(default=86_400, ge=1)  # it stands in for a live one that fails
