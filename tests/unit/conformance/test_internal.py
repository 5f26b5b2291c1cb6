from conformance.checks import internal
from infra.targets.services import SERVICES
from services.common.service_secret import HEADER
from tests.unit.conformance.conftest import SECRETS, Answer, Asked, Lab, Said, gateway_404


def service(asked: Asked) -> Said:
    if asked.headers.get(HEADER) != SECRETS["interServiceSecret"]:
        return Said(403, {"error": "Forbidden"})
    return Said(200, {"sends": "a"})


def parts(**changes: Answer) -> dict[str, Answer]:
    return {"kong/http": gateway_404, **{f"{name}/http": service for name in SERVICES}} | {
        f"{name.replace('_', '-')}/http": answer for name, answer in changes.items()
    }


def test_services_that_are_closed_to_the_public_conform(lab: Lab) -> None:
    assert lab.failed(internal, parts()) == {}


def test_a_gateway_that_lets_inside_is_noticed(lab: Lab) -> None:
    def leaky(asked: Asked) -> Said:
        return service(asked) if asked.route.startswith("/internal/") else gateway_404(asked)

    noticed = lab.failed(internal, parts(kong=leaky))
    assert set(noticed) == {
        f"{path} is not reachable through the gateway" for path in internal.INSIDE if path.startswith("/internal/")
    }


def test_a_service_that_answers_anybody_or_nobody_is_noticed(lab: Lab) -> None:
    noticed = lab.failed(
        internal,
        parts(query=lambda _: Said(200, {"sends": "a"}), rag_service=lambda _: Said(403, {"error": "Forbidden"})),
    )
    assert set(noticed) == {"query asks for the services' secret", "rag-service lets the services' secret in"}


def test_a_refusal_of_another_shape_is_noticed(lab: Lab) -> None:
    def wordy(asked: Asked) -> Said:
        said = service(asked)
        return Said(403, {"error": "Forbidden", "detail": "the token is wrong"}) if said.status == 403 else said

    assert list(lab.failed(internal, parts(ingestion=wordy))) == ["ingestion asks for the services' secret"]


def test_services_that_are_not_published_are_not_asked(lab: Lab) -> None:
    results = lab.results(internal, lab.stack(gateway_404))
    reasons = {one.reason for one in results if one.verdict == "not applicable"}
    assert reasons == {f"{name}/http is not published" for name in SERVICES}
