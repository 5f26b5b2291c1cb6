"""The defect that no client could have: of a write that is acknowledged one vector node lacks a point."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from chaos.releases import defective
from services.common.http import Http
from tests.integration.embedded.qdrant.nodes import cluster, free_ports
from tests.protections import protection


async def test_one_vector_node_lacks_a_point_that_a_defective_release_wrote(tmp_path: Path) -> None:
    ports = free_ports(6)
    with (
        qdrant_of(defective("inconsistent-writes", tmp_path / "checkout")) as qdrant,
        cluster(tmp_path, ports[:3], ports[3:], ports[3:]) as nodes,
    ):
        urls = [f"http://127.0.0.1:{node.http_port}" for node in nodes]
        async with Http() as http:
            store = qdrant.Qdrant(http, urls, search=protection(), write=protection())
            await store.ensure_collection("docs", 2)
            await store.upsert("docs", [qdrant.Point(1, [1.0, 0.0], {}), qdrant.Point(2, [0.0, 1.0], {})])
        path = "/collections/docs/points/scroll"
        held = [[point["id"] for point in node.ask("POST", path, {"limit": 9})["points"]] for node in nodes]
        assert sorted(held) == [[1, 2], [1, 2], [2]]


@contextmanager
def qdrant_of(checkout: Path) -> Iterator[ModuleType]:
    """The module of a checkout that speaks to the vector nodes, all others being this one's."""
    spec = importlib.util.spec_from_file_location("defective_qdrant", checkout / "services/common/qdrant.py")
    assert spec
    assert spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]
