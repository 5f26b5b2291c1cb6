"""What a node is made of, as the servers' handlers share it."""

from dataclasses import dataclass

from infra.embedded.qdrant.cluster import Cluster
from infra.embedded.qdrant.document import Change, Collection, Document
from infra.embedded.qdrant.errors import internal, no_collection
from infra.embedded.qdrant.register import NoMajorityError
from infra.embedded.qdrant.replicas import Replicas
from infra.embedded.qdrant.replication import Replication


@dataclass(frozen=True)
class Node:
    """This node's parts, and its patience in seconds with a peer's answer and with the cluster's agreement."""

    cluster: Cluster
    replicas: Replicas
    replication: Replication
    peer_timeout_s: float
    consensus_timeout_s: float

    def collection(self, name: str) -> Collection:
        """The collection of that name; raises QdrantError if there is none."""
        found = self.cluster.document.collections.get(name)
        if not found:
            raise no_collection(name)
        return found

    async def agree(self, change: Change, patience_s: float | None = None) -> Document:
        """Have the cluster agree on a change; raises QdrantError if it doesn't in time."""
        patience_s = self.consensus_timeout_s if patience_s is None else patience_s
        try:
            return await self.cluster.change(change, patience_s)
        except NoMajorityError:
            said = f"Waiting for consensus operation commit failed. Timeout set at: {patience_s:g} seconds"
            raise internal(said) from None
