"""What those who use a stack notice while a component is away. docs/outages.md is held to it by the chaos suite."""

from infra.manifest import Manifest
from infra.topology import QDRANT_NODES

AWAY = {
    "kong": "nothing answers: every request fails at the gateway",
    "query": "searches and questions are refused with 503",
    "rag-service": "documents and the older search paths are refused with 503",
    "collections": "the collections' API is refused with 503",
    "ingestion": "new and changed documents wait; jobs are refused with 503",
    "ollama": "no new answers: what the cache has is answered, all else refused with 503",
    "redis": "answers are not cached, so they take longer",
    "timescaledb": "documents' lists, statistics and jobs are refused with 503; searches go on",
    "toxiproxy": "connections between all components break, so most requests fail",
    "prometheus": "no metrics and no alerts",
    "alertmanager": "alerts reach nobody",
    "grafana": "no dashboards",
}


def while_away(component: str, after: Manifest) -> str:
    """What users notice while this one component is away."""
    if component not in QDRANT_NODES:
        return AWAY.get(component, "")
    nodes = sum(one.component in QDRANT_NODES for one in after.components)
    if nodes == 1:
        return "no search: what the cache has is answered, all else refused with 503; new documents wait"
    return f"nothing: searches go on with {nodes - 1} of {nodes} nodes"
