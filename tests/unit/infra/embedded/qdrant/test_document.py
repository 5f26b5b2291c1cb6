from dataclasses import replace

import orjson
import pytest

from infra.embedded.qdrant.document import (
    Document,
    Member,
    dead,
    filled_up,
    read_document,
    recovered,
    recovering,
    with_collection,
    with_index,
    with_params,
    with_peer,
    with_replica,
    without_collection,
    without_peer,
    without_replica,
)
from infra.embedded.qdrant.errors import QdrantError
from infra.embedded.qdrant.params import Params
from infra.embedded.qdrant.peers import encode

PEERS = {1: "http://one", 2: "http://two", 3: "http://three"}
EMPTY = Document("c", 1, PEERS)
PARAMS = Params(4, "Cosine", replication_factor=3, write_consistency_factor=2)
DOCS = with_collection("docs", "u", PARAMS)(EMPTY)
ONE, TWO, THREE = (Member(peer, "u") for peer in PEERS)


def states(document: Document) -> list[str]:
    return [copy.state for _, copy in sorted(document.collections["docs"].replicas.items())]


def test_a_collection_begins_with_active_replicas_on_as_many_nodes_as_it_wants() -> None:
    assert states(DOCS) == ["Active"] * 3
    assert DOCS.version == 2
    assert DOCS.collections["docs"].live == {ONE, TWO, THREE}
    two = with_collection("few", "v", replace(PARAMS, replication_factor=2))(DOCS)
    assert len(two.collections["few"].replicas) == 2
    many = with_collection("many", "w", replace(PARAMS, replication_factor=5, write_consistency_factor=5))(DOCS)
    assert many.collections["many"].acknowledgements == 3


def test_creating_again_is_no_change_for_its_creator_and_a_conflict_for_others() -> None:
    assert with_collection("docs", "u", PARAMS)(DOCS) is DOCS
    with pytest.raises(QdrantError, match="Collection `docs` already exists!"):
        with_collection("docs", "other", PARAMS)(DOCS)


def test_a_replica_dies_recovers_in_a_new_tenure_and_becomes_active() -> None:
    lost = dead("u", {THREE}, ONE)(DOCS)
    assert states(lost) == ["Active", "Active", "Dead"]
    assert dead("u", {THREE}, ONE)(lost) is lost
    new = Member(3, "t")
    partial = recovering("u", new)(lost)
    assert states(partial) == ["Active", "Active", "Partial"]
    assert partial.collections["docs"].live == {ONE, TWO, new}
    assert recovering("u", new)(partial) is partial
    assert dead("u", {THREE}, ONE)(partial) is partial  # meant for the tenure before
    assert states(recovered("u", new)(partial)) == ["Active"] * 3
    assert recovered("u", Member(3, "older"))(partial) is partial
    assert recovered("u", new)(lost) is lost


def test_only_an_active_coordinator_may_declare_others_dead() -> None:
    lost = dead("u", {THREE}, ONE)(DOCS)
    assert dead("u", {ONE, TWO}, THREE)(lost) is lost
    assert dead("u", {TWO}, Member(1, "other"))(DOCS) is DOCS
    assert recovering("u", Member(1, "t"))(DOCS) is DOCS  # an Active one has nothing to recover


def test_a_node_that_comes_anew_gets_the_replicas_that_are_lacking() -> None:
    left = without_peer(3)(DOCS)
    assert left.collections["docs"].replicas.keys() == left.peers.keys() == {1, 2}
    assert without_peer(3)(left) is left
    joined = with_peer(4, "http://three")(left)
    filled = filled_up("u")(joined)
    assert states(filled) == ["Active", "Active", "Dead"]
    assert filled_up("u")(filled) is filled
    assert with_peer(4, "http://three")(filled) is filled


def test_a_replica_goes_and_comes_again_with_everything_to_copy_in_a_new_tenure() -> None:
    left = without_replica("docs", 3)(DOCS)
    assert left.collections["docs"].active == [1, 2]
    again = with_replica("docs", 1, 3)(left)
    assert states(again) == ["Active", "Active", "Dead"]
    assert with_replica("docs", 2, 3)(again) is again
    assert recovered("u", THREE)(again) is again  # what is left of the time before does not count
    partial = recovering("u", Member(3, "t"))(again)
    with pytest.raises(QdrantError, match="Bad request: Shard 0 is already involved in transfer 1 -> 3"):
        with_replica("docs", 1, 3)(partial)
    assert states(with_replica("docs", 1, 2)(DOCS)) == ["Active", "Dead", "Active"]  # it is begun anew


def test_the_last_replica_and_the_last_active_one_stay() -> None:
    lost = dead("u", {TWO, THREE}, ONE)(DOCS)
    with pytest.raises(QdrantError, match="must have at least one active replica after removing 1"):
        without_replica("docs", 1)(lost)
    alone = without_replica("docs", 3)(without_replica("docs", 2)(lost))
    assert states(alone) == ["Active"]
    with pytest.raises(QdrantError, match="must have at least one active replica after removing 1"):
        without_replica("docs", 1)(alone)
    with pytest.raises(QdrantError, match="Peer 2 has no replica of shard 0"):
        without_replica("docs", 2)(alone)
    with pytest.raises(QdrantError, match="Shard 0 is not active on peer 2"):
        with_replica("docs", 2, 3)(alone)
    with pytest.raises(QdrantError, match="Peer 9 does not exist"):
        with_replica("docs", 1, 9)(alone)


def test_a_dropped_replica_can_declare_nobody_dead() -> None:
    dropped = without_replica("docs", 2)(DOCS)
    assert dead("u", {ONE}, TWO)(dropped) is dropped


def test_a_node_that_has_to_be_bare_leaves_without_replicas_only() -> None:
    with pytest.raises(QdrantError, match="Cannot remove peer 3 as there are shards on it"):
        without_peer(3, bare=True)(DOCS)
    assert without_peer(3, bare=True)(without_replica("docs", 3)(DOCS)).peers.keys() == {1, 2}


def test_indexes_and_parameters() -> None:
    indexed = with_index("docs", "path", "keyword")(DOCS)
    assert indexed.collections["docs"].indexes == {"path": "keyword"}
    assert with_index("docs", "path", "keyword")(indexed) is indexed
    assert with_index("docs", "path", None)(indexed).collections["docs"].indexes == {}
    changed = with_params("docs", lambda params: replace(params, write_consistency_factor=1))(DOCS)
    assert changed.collections["docs"].acknowledgements == 1
    with pytest.raises(QdrantError, match="Collection `none` doesn't exist!"):
        with_index("none", "path", "keyword")(DOCS)


def test_what_concerns_a_deleted_collection_changes_nothing() -> None:
    deleted = without_collection("u")(DOCS)
    assert deleted.collections == {}
    changes = without_collection("u"), dead("u", {TWO}, ONE), recovering("u", TWO), recovered("u", TWO), filled_up("u")
    assert all(change(deleted) is deleted for change in changes)


def test_a_document_survives_json() -> None:
    document = with_index("docs", "path", {"type": "keyword"})(DOCS)
    assert read_document(orjson.loads(encode(document))) == document
