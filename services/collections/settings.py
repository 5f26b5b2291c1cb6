"""Settings of the collections service."""

from pathlib import Path

from pydantic import Field

from services.common.settings import StoreSettings


class CollectionsSettings(StoreSettings):
    """What the collections service is told beyond the shared settings."""

    port: int = 3403
    processes: int = Field(default=1, ge=1, le=1)  # it watches the folders, and compares the replicas, once
    ingestion_url: str = "http://127.0.0.1:8201"
    embedding_model: str = "all-minilm"  # of a new collection that names none
    collections_file: Path = Path("collections-config.json")
    data_root: Path = Path()  # collections' directories lie below it
    watch_refresh_s: float = Field(default=2.0, gt=0)  # between two looks at which collections there are
    watch_stable_s: float = Field(default=0.5, gt=0)  # a file that did not change for so long is complete
    watch_longest_s: float = Field(default=2.0, gt=0)  # complete files wait so long for the rest of their burst
    watch_sweep_s: float = Field(
        default=600.0, gt=0
    )  # between two comparisons of whole folders; catches what events missed
    replication_marker_s: float = 2.0  # between two writes that measure the vector nodes' lag; 0: not measured
    replica_check_s: float = 600.0  # between two comparisons of the vector nodes' contents; 0: only when asked
