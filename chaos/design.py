"""The decisions, risks and questions of the design that experiments prove, by the key they are named with."""

DESIGN = {
    "breakers": "Decision 1: circuit breakers prevent cascading failures",
    "service-auth": "Decision 2: services authenticate to each other",
    "qdrant-ha": "Decision 4: three Qdrant nodes, a quorum of two",
    "hybrid-config": "Decision 6: collections from the database, from JSON otherwise",
    "false-positives": "Risk 1: a breaker opens though its dependency is healthy",
    "cluster-complexity": "Risk 2: split brain, inconsistent replicas, replication lag",
    "gateway": "Risk 4: the gateway is configured wrongly",
    "fallback": "Question 2: a stale answer with a warning, an honest 503 otherwise",
    "no-downtime": "Constraint: no downtime",
    "rollback-triggers": "Migration plan: conditions that undo a deployment",
}
