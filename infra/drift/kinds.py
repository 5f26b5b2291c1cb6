"""Every kind of drift with its cause and its repair."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

By = Literal["up", "repair", "person"]
"""Who repairs it: every `make up`; `make up REPAIR=1`; or a person, because it could lose something or be meant."""


@dataclass(frozen=True)
class Kind:
    """A kind of drift. In its texts `{component}`, `{what}` and `{at}` stand for the drift's."""

    means: str
    cause: str
    repair: str
    by: By = "repair"


HAND = "changed by hand"
KINDS: Mapping[str, Kind] = {
    "missing": Kind("a component is not there", "removed by hand, or its deployment was cut off", "starts it", "up"),
    "extra": Kind(
        "there is a component that nobody wants",
        "added by hand, or left over from other settings",
        "stops it; its data stays",
    ),
    "stopped": Kind("a component does not run", "stopped by hand", "starts it", "up"),
    "crashing": Kind(
        "a component ends again and again",
        "its log tells: make logs C={component}",
        "if its files, command or environment differ, the line of those tells the repair; else see the log",
        "person",
    ),
    "paused": Kind("a component is suspended", "SIGSTOP, by hand or by a chaos run that was killed", "lets it go on"),
    "silent": Kind(
        "a component runs and does not answer",
        "it hangs, is overloaded or still starts",
        "if it lasts, see make status and make logs C={component}",
        "person",
    ),
    "version": Kind(
        "another program or version runs", "replaced by hand, or not restarted after an upgrade", "restarts it"
    ),
    "source": Kind("older code of this project runs", "the code has changed and nothing was restarted", "restarts it"),
    "command": Kind("a component was started by another command", HAND, "restarts it"),
    "environment": Kind("a variable of a component's environment differs", HAND, "restarts it"),
    "specification": Kind(
        "what a component would be started by next differs from what runs", HAND, "writes it again, and restarts it"
    ),
    "file": Kind("a file that a component has read differs", HAND, "writes it again, and restarts the component"),
    "live file": Kind("a file that a component reads again when it changes differs", HAND, "writes it again"),
    "port": Kind("a component listens elsewhere, or not on all of its ports", HAND, "restarts it"),
    "limits": Kind("another limit of memory or CPU", HAND, "replaces the container; its data stays"),
    "health check": Kind("another health check", HAND, "replaces the container; its data stays"),
    "network": Kind("a container is on other networks", HAND, "replaces the container; its data stays"),
    "volume": Kind(
        "other volumes are mounted",
        HAND,
        "see where the data is before you replace anything: docker inspect -f '{{{{json .Mounts}}}}' {component}",
        "person",
    ),
    "rights": Kind("a container has another user or other rights", HAND, "replaces the container; its data stays"),
    "gateway": Kind(
        "the gateway goes by another configuration than the rendered one",
        "changed through its administration, or refused by it; make logs C=kong",
        "hands the rendered one over again; no connection is closed",
    ),
    "consumer": Kind(
        "the gateway knows other consumers", "changed through its administration", "hands the configuration over again"
    ),
    "proxy missing": Kind("an edge has no proxy", "deleted through Toxiproxy's API", "makes it again"),
    "proxy extra": Kind("there is a proxy for no edge", "made through Toxiproxy's API", "deletes it"),
    "proxy disabled": Kind(
        "an edge's proxy refuses connections", "a chaos run that was killed, or by hand", "enables it"
    ),
    "toxic": Kind(
        "a fault is in force on an edge",
        "a chaos run that was killed, or by hand",
        "removes it; so does make chaos-heal where a chaos run left it",
    ),
    "upstream": Kind(
        "an edge's proxy leads elsewhere", "changed through Toxiproxy's API", "points it at the component again"
    ),
    "model": Kind("a model is missing", "deleted, or pulling it failed", "pulls it again"),
    "redis setting": Kind("Redis goes by another setting", "CONFIG SET, by hand", "sets it back; nothing is restarted"),
    "factors": Kind(
        "another replication or write consistency factor",
        "switched to one node (make cluster DO=single), or changed by hand",
        "copies what is missing, then sets them, as make cluster DO=replicate does",
    ),
    "replica": Kind(
        "a replica is missing, or not Active",
        "its node was away or lost its data",
        "waits for the node's recovery, or copies the replica",
    ),
    "cluster": Kind(
        "the vector nodes do not see the same",
        "a node left the cluster or is cut off",
        "make cluster shows what each sees, and docs/vector-cluster.md tells how to recover a node",
        "person",
    ),
    "collection lost": Kind(
        "the database has a collection whose vectors are gone",
        "deleted in the vector cluster",
        "reads its documents again (a job of ingestion)",
    ),
    "collection unknown": Kind(
        "the vector cluster has a collection that the database does not know",
        "its row was deleted, or it was made by hand",
        "what is in it would be lost: create the collection {what} again by the API, "
        "or delete its vectors: curl -X DELETE {at}/collections/{what}",
        "person",
    ),
    "migration": Kind(
        "a migration is not applied",
        "the job failed, or the record of it was deleted",
        "runs the migrations' job again",
    ),
    "migration unknown": Kind(
        "a migration is applied that this checkout does not have",
        "the checkout is older than the database",
        "bring up the newer checkout, or roll back with it: docs/database.md",
        "person",
    ),
    "table": Kind(
        "a table is gone",
        "dropped by hand",
        "its rows are lost: restore them from a backup, docs/backup.md; "
        "without one, DROP SCHEMA rag CASCADE and make up REPAIR=1 make all tables anew, without any rows",
        "person",
    ),
    "column": Kind(
        "a column or a constraint is missing or differs",
        HAND,
        "put it back by ALTER TABLE: {what} has to be what stands under wanted",
        "person",
    ),
    "index": Kind("an index is missing", "dropped by hand", "makes it again, beside the load (CONCURRENTLY)"),
    "unknown table": Kind(
        "the schema has a table or column of which no migration knows",
        "made by hand",
        "move it to another schema, or write a migration: {what}",
        "person",
    ),
    "policy": Kind(
        "a hypertable or its compression policy is missing", "removed by hand", "adds it again (TimescaleDB only)"
    ),
}

COMMANDS: Mapping[By, str] = {"up": "make up", "repair": "make up REPAIR=1"}
