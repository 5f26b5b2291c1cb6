"""Are the vector nodes' replicas equal, and how far is a node behind."""

COLLECTION = "_replication"
"""The collection of the markers by which the lag is measured; none of a user's."""
