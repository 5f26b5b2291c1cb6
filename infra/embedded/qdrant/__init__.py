"""A stand-in for Qdrant: its own engine, qdrant-edge, behind its REST API, replicated to three nodes."""

API_VERSION = "1.18.3"
"""The Qdrant release whose API this node answers with."""

DIFFERENCES = (
    "Qdrant's engine behind the part of its REST API that qdrant-client calls; no gRPC, snapshots, web page, named or "
    "sparse vectors or quantization settings; one shard a collection; graphs are built in a process beside the node, "
    "over vectors of bytes; no match on booleans; `consistency` checks that enough replicas are active, then one of "
    "them answers; a node that joins is given the replicas that collections lack, one that was removed may join again; "
    "replicate_shard copies from any Active replica; nodes agree by CASPaxos, not Raft"
)
