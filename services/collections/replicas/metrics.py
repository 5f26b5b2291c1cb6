"""What the collections service measures of the vector cluster's replicas."""

from prometheus_client import Counter, Gauge

INCONSISTENT = Gauge(
    "replicas_inconsistent",
    "Points that differ between the replicas, by the last check that could tell",
    ["collection"],
)
CHECKED = Gauge("replicas_checked_timestamp_seconds", "When the last check that could tell ended", ["collection"])
LAG = Gauge("qdrant_replication_lag_seconds", "For how long the node has not shown an acknowledged write", ["node"])
STATE = Gauge("qdrant_replica_state", "1 for the state of the node's replica of the marker", ["node", "state"])
MARKERS = Counter("qdrant_replication_markers", "Markers written to measure the lag", ["outcome"])
