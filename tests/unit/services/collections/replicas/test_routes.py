from collections.abc import AsyncIterator

import httpx
import pytest

from services.collections.replicas.routes import replicas_router
from services.common.app import create_app
from services.common.breakers import Breakers
from services.common.settings import ServiceSettings
from tests.servers import client
from tests.unit.services.collections.replicas.fakes import FakeNode, FakeStore, held, nodes_with


@pytest.fixture
def nodes() -> list[FakeNode]:
    return nodes_with(held(1), held(2))


@pytest.fixture
async def service(nodes: list[FakeNode]) -> AsyncIterator[httpx.AsyncClient]:
    settings = ServiceSettings.model_validate({"port": 1, "inter_service_secret": "s"})
    app = create_app(
        "collections",
        settings,
        breakers=Breakers("collections", settings),
        routers=[replicas_router(nodes, FakeStore(nodes))],
    )
    async with client(app) as http:
        http.headers["X-Service-Token"] = "s"
        yield http


async def test_all_collections_or_one_are_checked(service: httpx.AsyncClient, nodes: list[FakeNode]) -> None:
    every = (await service.get("/internal/replicas")).json()
    assert every["consistent"] is True
    assert [one["collection"] for one in every["collections"]] == ["docs"]
    nodes[0].states[:] = ["Partial"]
    one = (await service.get("/internal/replicas/docs")).json()
    assert (one["consistent"], one["problem"]) == (None, "qdrant-0's replica is Partial")
    assert (await service.get("/internal/replicas")).json()["consistent"] is None
    nodes[1].put(held(3))
    assert (await service.get("/internal/replicas")).json()["consistent"] is False


async def test_a_repair_tells_what_was_before_and_after(service: httpx.AsyncClient, nodes: list[FakeNode]) -> None:
    nodes[2].put(held(3))
    done = (await service.post("/internal/replicas/docs/repair")).json()
    assert done["before"]["differences"] == [{"id": 3, "path": "3.md", "faults": {"qdrant-2": "extra"}}]
    assert [replica["extra"] for replica in done["before"]["replicas"]] == [0, 0, 1]
    assert (done["deleted"], done["after"]["consistent"]) == (1, True)


async def test_waiting_ends_with_the_truth(service: httpx.AsyncClient, nodes: list[FakeNode]) -> None:
    nodes[2].put(held(3))
    assert (await service.get("/internal/replicas/docs?wait_s=0.05")).json()["consistent"] is False
    assert (await service.get("/internal/replicas/docs?wait_s=-1")).status_code == 400


async def test_an_unknown_collection_is_404(service: httpx.AsyncClient, nodes: list[FakeNode]) -> None:
    for node in nodes:
        node.knows_nothing()
    assert (await service.get("/internal/replicas/nope")).status_code == 404
    assert (await service.post("/internal/replicas/nope/repair")).status_code == 404


async def test_replicas_are_for_the_stacks_own_services(service: httpx.AsyncClient) -> None:
    del service.headers["X-Service-Token"]
    assert (await service.get("/internal/replicas")).status_code == 403
