from conformance.checks import health
from infra.targets.services import SERVICES
from tests.unit.conformance.conftest import Answer, Asked, Lab, Said

TEXT = {"Content-Type": "text/plain; version=0.0.4"}
METRICS = "".join(f"# TYPE a{n} gauge\na{n} 1.0\n" for n in range(8)).encode()


def service(name: str, *, away: bool = False, metrics: bytes = METRICS) -> Answer:
    def answer(asked: Asked) -> Said:
        if asked.route == "/metrics":
            return Said(200, metrics, TEXT)
        reached = {"ok": not away, "error": "refused" if away else None}
        return Said(200, {"service": name, "status": "ok", "dependencies": {"redis": reached}})

    return answer


def parts(**changes: Answer) -> dict[str, Answer]:
    return {f"{name}/http": changes.get(name, service(name)) for name in SERVICES}


def test_services_that_are_well_conform(lab: Lab) -> None:
    results = lab.results(health, lab.stack(parts()))
    assert {one.verdict for one in results if one.name.split()[0] in SERVICES} == {"ok"}
    assert {one.reason for one in results if one.name == "redis is healthy"} == {"redis/redis is not published"}


def test_what_is_not_well_is_noticed(lab: Lab) -> None:
    noticed = lab.failed(
        health,
        parts(
            query=service("query", away=True),
            ingestion=service("ingestion", metrics=b'a{ 1\n"'),
            collections=lambda _: Said(503, {"error": "x"}),
        ),
    )
    assert set(noticed) == {
        "query is ready, with all that it depends on",
        "ingestion has metrics",
        "collections is healthy",
        "collections is ready, with all that it depends on",
        "collections has metrics",
    }
    assert noticed["query is ready, with all that it depends on"] == "query does not reach {'redis': 'refused'}"


def test_a_service_in_the_place_of_another_is_noticed(lab: Lab) -> None:
    noticed = lab.failed(health, parts(query=service("ingestion")))
    assert list(noticed) == ["query is ready, with all that it depends on"]


def test_too_few_metrics_are_noticed(lab: Lab) -> None:
    noticed = lab.failed(health, parts(query=service("query", metrics=b"a 1.0\n")))
    assert list(noticed) == ["query has metrics"]
