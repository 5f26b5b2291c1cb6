from services.common.app import VERSION
from services.common.service_secret import HEADER
from tests.servers import Answer, routes, says
from tests.unit.services.query.conftest import Service

TOKEN = {HEADER: "s"}
MODELS = {"embedding": "all-minilm", "generation": "extractive"}


def store(**counts: int) -> Answer:
    names = says({"result": {"collections": [{"name": name} for name in counts]}})

    async def count(request):  # type: ignore[no-untyped-def]  # as in aiohttp
        return await says({"result": {"count": counts[request.path.split("/")[2]]}})(request)

    return routes(collections=names, count=count)


async def test_status_tells_models_and_collections_by_name(service: Service) -> None:
    service.qdrant.answer = store(notes=3, docs=12)
    answer = await service.http.get("/internal/status", headers=TOKEN)
    collections = [{"name": "docs", "points": 12}, {"name": "notes", "points": 3}]
    assert answer.json() == {"version": VERSION, "models": MODELS, "collections": collections}


async def test_status_answers_without_the_vector_store(service: Service) -> None:
    service.qdrant.answer = says({}, 500)
    answer = await service.http.get("/internal/status", headers=TOKEN)
    assert (answer.status_code, answer.json()["collections"]) == (200, None)


async def test_status_is_for_the_other_services(service: Service) -> None:
    assert (await service.http.get("/internal/status")).status_code == 403
