from dataclasses import replace

import pytest

from infra.topology import (
    BUDGET_MEMORY_MB,
    RELEASED,
    Component,
    Edge,
    Health,
    Limits,
    Port,
    Topology,
    TopologyError,
    topology,
)

SMALL = Limits(100, 0.1)


def component(name: str, *, port: int = 9000, limits: Limits = SMALL, after: tuple[str, ...] = ()) -> Component:
    return Component(name, f"image/{name}", limits, Health("http"), (Port("http", port, port),), after=after)


def test_the_designs_topology_is_within_its_budget_and_every_component_starts_after_what_it_needs() -> None:
    shape = topology()
    order = shape.start_order
    assert sorted(order) == sorted(shape.by_name)
    for name in order:
        assert all(order.index(need) < order.index(name) for need in shape.needs(name))


def test_an_offset_moves_every_port_of_the_machine_and_none_of_the_containers() -> None:
    plain, moved = topology(), topology(1000)
    assert [p.host + 1000 for c in plain.components for p in c.ports] == [
        p.host for c in moved.components for p in c.ports
    ]
    assert [p.container for c in plain.components for p in c.ports] == [
        p.container for c in moved.components for p in c.ports
    ]
    assert [e.listen + 1000 for e in plain.edges] == [e.listen for e in moved.edges]


def test_two_stacks_a_hundred_ports_apart_do_not_clash() -> None:
    ports = [
        {p.host for c in t.components for p in c.ports} | {e.listen for e in t.edges}
        for t in (topology(observability=True, candidates=True), topology(100, observability=True, candidates=True))
    ]
    assert not ports[0] & ports[1]


def test_a_candidate_is_its_service_with_ports_of_its_own_and_calls_what_it_calls_but_candidates() -> None:
    shape = topology(1000, candidates=True)
    query, candidate = shape.component("query"), shape.component("query-next")
    assert replace(candidate, name="query", ports=query.ports, candidate_of="") == query
    assert (candidate.role, query.role, candidate.port("http").host) == ("query", "query", 9257)
    assert shape.needs("query-next") == shape.needs("query")
    assert shape.needs("rag-service-next") == ("query-next",)
    assert shape.needs("collections-next")[0] == "ingestion-next"
    assert {"query", "query-next", "ingestion-next"} <= {*shape.needs("kong")}
    assert shape.edge("kong", "query-next").listen == 22105


def test_candidates_leave_all_else_as_it_is() -> None:
    plain, shape = topology(), topology(candidates=True)
    assert {*plain.components} < {*shape.components}
    assert {*plain.edges} < {*shape.edges}
    assert {c.candidate_of for c in shape.components} == {"", *RELEASED}


def test_with_candidates_memory_is_within_the_budget_and_their_cpus_do_not_count() -> None:
    whole = topology(observability=True, candidates=True)
    assert sum(c.limits.memory_mb for c in whole.components) < BUDGET_MEMORY_MB
    heavy = component("a", limits=Limits(1, 7.9))
    Topology((heavy, replace(component("b", port=9001, limits=Limits(1, 0.2)), candidate_of="a")), ())
    with pytest.raises(TopologyError, match=r"add up to 8\.1 CPUs"):
        Topology((heavy, component("b", port=9001, limits=Limits(1, 0.2))), ())


def test_without_chaos_there_is_no_toxiproxy() -> None:
    assert "toxiproxy" not in topology(chaos=False).by_name


def test_a_stack_may_have_one_vector_node_only() -> None:
    shape = topology(qdrant_nodes=1)
    assert [name for name in shape.by_name if name.startswith("qdrant")] == ["qdrant-0"]
    assert not [edge.name for edge in shape.edges if edge.dependency in {"qdrant-1", "qdrant-2"}]


def test_an_offset_beyond_the_last_port_is_refused() -> None:
    with pytest.raises(TopologyError, match="outside 1024-65535; lower the port offset"):
        topology(60000)


def test_two_components_of_one_name_are_refused() -> None:
    with pytest.raises(TopologyError, match="two components are called 'a'"):
        Topology((component("a"), component("a", port=9001)), ())


def test_a_port_wanted_twice_is_refused_naming_both() -> None:
    with pytest.raises(TopologyError, match="port 9000 is wanted by a's http and by b's http"):
        Topology((component("a"), component("b")), ())


def test_an_edges_listener_clashing_with_a_port_is_refused() -> None:
    with pytest.raises(TopologyError, match="port 9000 is wanted by a's http and by the edge a->b"):
        Topology((component("a"), component("b", port=9001)), (Edge("a", "b", "http", 9000),))


@pytest.mark.parametrize(
    ("edge", "message"),
    [
        (Edge("a", "nobody", "http", 9100), "no component is called 'nobody'; there are a"),
        (Edge("nobody", "a", "http", 9100), "no component is called 'nobody'"),
        (Edge("peers", "a", "grpc", 9100), "a has no port 'grpc'"),
    ],
)
def test_an_edge_to_something_unknown_is_refused(edge: Edge, message: str) -> None:
    with pytest.raises(TopologyError, match=message):
        Topology((component("a"),), (edge,))


def test_a_start_after_something_unknown_is_refused() -> None:
    with pytest.raises(TopologyError, match="no component is called 'b'"):
        Topology((component("a", after=("b",)),), ())


def test_a_cycle_is_refused_naming_its_members() -> None:
    with pytest.raises(TopologyError, match=r"dependency cycle: (a -> b -> a|b -> a -> b)"):
        Topology((component("a", after=("b",)), component("b", port=9001)), (Edge("b", "a", "http", 9100),))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(16 * 1024, 1), "add up to 16484 MiB of memory, the budget is below 16384; the largest is a with 16384"),
        (Limits(1, 8), "add up to 8.1 CPUs, the budget is below 8; the largest is a with 8"),
    ],
)
def test_limits_over_the_budget_are_refused_naming_the_largest(limits: Limits, message: str) -> None:
    with pytest.raises(TopologyError, match=message):
        Topology((component("a", limits=limits), component("b", port=9001)), ())


def test_what_is_asked_for_by_a_wrong_name_is_refused() -> None:
    shape = Topology((component("a"),), ())
    with pytest.raises(TopologyError, match="no edge a->b"):
        shape.edge("a", "b")
