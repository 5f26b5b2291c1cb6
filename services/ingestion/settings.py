"""Settings of the ingestion service."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from services.common.settings import OllamaSettings, StoreSettings

Seconds = Annotated[float, Field(gt=0)]


class IngestionSettings(StoreSettings, OllamaSettings):
    """What the ingestion service is told beyond the shared settings."""

    port: int = 8201
    processes: int = Field(
        default=1, ge=1, le=1
    )  # its jobs have workers, and reading documents has processes of its own
    collections_file: Path = Path("collections-config.json")
    data_root: Path = Path()
    workers: Annotated[int, Field(ge=1)] = 2  # jobs at a time, of different collections
    lease_s: Seconds = 10.0  # a job that its process leaves alone for so long is taken up by another one
    poll_s: Seconds = 1.0  # between two looks for jobs that other processes created
    attempts: Annotated[int, Field(ge=1)] = 8  # of a step whose dependency is away
    first_pause_s: Seconds = 0.5  # between attempts, doubling
    longest_pause_s: Seconds = 15.0
