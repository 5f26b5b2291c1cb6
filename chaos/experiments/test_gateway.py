"""The gateway: what it lets in, what it does when what is behind it dies, and how one gets past it."""

import time

from chaos.client import Client
from chaos.experiment import Experiment, experiment
from chaos.faults import BadConfiguration, Down, Kill, Restart
from chaos.faults.credentials import expired_token, forged_token, wrong_service_token
from chaos.load import distinct
from chaos.operations import OPERATIONS
from chaos.questions import QUESTIONS
from chaos.record import GOOD, Outcome

SEARCH = OPERATIONS["search"]
GATEWAY_ANSWERS = {502, 503, 504}  # what a gateway may say of a service that is not there
BACK_S = 8.0  # for the gateway to trust a service again: it looks every 2 s


@experiment("gateway", "no-downtime")
async def test_a_dead_upstream_is_told_and_found_again(e: Experiment) -> None:
    """query is killed and kept down: the gateway says so at once, other routes go on, and it is found when back."""
    asks = distinct(SEARCH, QUESTIONS, run=f"{e.unique}-upstream")
    async with e.load(asks, rate=20):
        await e.lasts(1)
        async with e.broken(Kill("query", stays_down=True)):
            killed = e.now()
            await e.lasts(2)
            documents = await e.client.ask(0, e.ask("documents"), e.now())
        healed = e.now()
        back = await e.until(e.served, BACK_S)
    during = [r for r in e.requests if r.started > killed + 0.5 and r.ended < healed]
    told = [r for r in during if r.status in GATEWAY_ANSWERS and r.seconds < 1]
    e.expect("told-at-once", len(told) == len(during) > 20, f"{len(told)} of {len(during)} told within a second")
    e.expect("others-go-on", documents.outcome is Outcome.LIVE, f"documents: {documents.outcome}")
    e.expect("found-again", back is not None, f"served again {back or 0:.1f} s after it was started")


@experiment("no-downtime", "gateway")
async def test_a_restart_of_a_service_fails_no_more_than_its_moment(e: Experiment) -> None:
    """rag-service is restarted under load: it is back within seconds, and no search fails meanwhile."""
    asks = distinct(SEARCH, QUESTIONS, run=f"{e.unique}-restart")
    async with e.load(asks, rate=20):
        await e.lasts(0.5)
        async with e.broken(Restart("rag-service")):
            began = time.monotonic()
            back = await e.until(lambda: answers(e, "documents"), 15)
        await e.lasts(0.5)
    failed = [request for request in e.requests if request.outcome not in GOOD]
    e.expect("back", back is not None, f"documents are served {time.monotonic() - began:.1f} s after the restart")
    e.expect("others-unharmed", not failed, f"{len(failed)} of {len(e.requests)} searches failed meanwhile")


async def answers(e: Experiment, operation: str) -> bool:
    """Whether it is answered now."""
    return (await e.client.ask(0, e.ask(operation), e.now())).outcome is Outcome.LIVE


@experiment("gateway")
async def test_a_broken_configuration_is_refused_and_the_old_one_serves(e: Experiment) -> None:
    """The gateway is given half a file: it refuses it, goes on by the old one without a failed request, says so."""
    asks = distinct(SEARCH, QUESTIONS, run=f"{e.unique}-configuration")
    async with e.load(asks, rate=20):
        await e.lasts(0.5)
        for file in ("rds.json", "cds.json", "lds.json"):
            async with e.broken(BadConfiguration(file)):  # verified by the gateway's own count of refusals
                await e.lasts(0.8)
        await e.lasts(0.5)
    failed = [request for request in e.requests if request.outcome not in GOOD]
    e.expect("old-one-serves", not failed and len(e.requests) > 40, f"{len(failed)} of {len(e.requests)} failed")
    e.expect("refused", len(e.windows) == 3, f"{len(e.windows)} broken files refused")


@experiment("gateway", "service-auth")
async def test_no_token_a_wrong_one_and_an_expired_one(e: Experiment) -> None:
    """Without a token, with a forged or an expired one, nobody gets past the gateway; with a right one all do."""
    path = e.ask("search").path
    tokens = {"none": None, "forged": forged_token(), "expired": expired_token(e.stack), "nonsense": "x.y.z"}
    got = {}
    for name, token in tokens.items():
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with e.session.get(e.stack.gateway + path, headers=headers) as answer:
            got[name] = answer.status
    e.expect("refused", set(got.values()) == {401}, f"statuses {got}")
    async with e.session.get(e.stack.gateway + "/internal/status") as inside:
        e.expect("inside-stays-inside", inside.status in {401, 404}, f"/internal through the gateway: {inside.status}")
    right = await e.client.ask(0, e.ask("search"), e.now())
    e.expect("right-token", right.outcome in GOOD, f"with a right token: {right.outcome}")


@experiment("service-auth")
async def test_no_service_token_and_a_wrong_one(e: Experiment) -> None:
    """Every service refuses its /internal routes without the services' token, with 403 and no word more."""
    got: dict[str, list[object]] = {}
    for service in ("query", "rag-service", "collections", "ingestion"):
        url = e.stack.url(service) + "/internal/breakers"
        for headers in ({}, {"X-Service-Token": wrong_service_token()}):
            async with e.session.get(url, headers=headers) as answer:
                got.setdefault(service, []).append((answer.status, await answer.json()))
        async with e.session.get(url, headers={"X-Service-Token": e.stack.service_token}) as answer:
            got[service].append(answer.status)
    wanted = [(403, {"error": "Forbidden"}), (403, {"error": "Forbidden"}), 200]
    e.expect("403", all(answers == wanted for answers in got.values()), f"{got}")


@experiment("gateway", "rollback-triggers")
async def test_the_services_serve_when_the_gateway_is_bypassed(e: Experiment) -> None:
    """The rollback of the gateway: it is down, and callers who are sent to the services directly are served."""
    direct = Client(
        e.session, {"kong": e.stack.url("query")}, token="", clock=e.now, patience_s=10
    )  # the same paths, at the service's own address
    async with e.broken(Kill("kong", stays_down=True)):
        away = await e.client.ask(0, e.ask("search"), e.now())
        past = await direct.ask(1, e.ask("search"), e.now())
    back = await e.until(lambda: e.serves("search"), 15)
    e.expect("gateway-down", away.outcome is Outcome.LOST, f"through the gateway: {away.outcome}")
    e.expect("bypass", past.outcome in GOOD, f"past it: {past.outcome} {past.error or ''}")
    e.expect("back", back is not None, f"the gateway serves again after {back or 0:.1f} s")


@experiment("gateway")
async def test_the_way_from_the_gateway_to_a_service_is_cut(e: Experiment) -> None:
    """The edge kong->query refuses connections: 502 or 503 at once, and served again when it is back."""
    asks = distinct(SEARCH, QUESTIONS, run=f"{e.unique}-cut")
    async with e.load(asks, rate=20):
        await e.lasts(0.5)
        async with e.broken(Down("kong->query")):
            cut = e.now()
            await e.lasts(1.5)
        healed = e.now()
        back = await e.until(e.served, BACK_S)
    during = [r for r in e.requests if r.started > cut + 0.2 and r.ended < healed]
    told = [r for r in during if r.status in GATEWAY_ANSWERS and r.seconds < 1]
    e.expect("told-at-once", len(told) == len(during) > 10, f"{len(told)} of {len(during)} told within a second")
    e.expect("back", back is not None, f"served again after {back or 0:.1f} s")
