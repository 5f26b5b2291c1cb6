"""The database: away at the start, away in flight, and what is recorded nevertheless."""

from datetime import UTC, datetime

from chaos.database import rows
from chaos.experiment import Experiment, experiment
from chaos.faults import BlackHole, Down, Kill, Restart, SchemaGone
from chaos.load import distinct
from chaos.operations import OPERATIONS
from chaos.questions import QUESTIONS
from chaos.record import GOOD

SEARCH = OPERATIONS["search"]
WRITTEN_S = 15.0  # for what waited to be written once the database is back: two breakers' recoveries and a retry


@experiment("hybrid-config", "no-downtime")
async def test_the_database_is_away_when_the_services_start(e: Experiment) -> None:
    """query and collections start without a database: searches are answered, collections come from the file."""
    async with e.broken(Kill("timescaledb", stays_down=True)), e.broken(Restart("query"), Restart("collections")):
        searched = await e.until(lambda: e.serves("search"), 20)
        listed = await e.until(lambda: e.serves("collections"), 20)
        names = (await e.client.ask(0, e.ask("collections"), e.now())).about.get("names", [])
    back = await e.until(lambda: e.serves("collection-stats"), e.suite.recovery_s + 20)
    e.expect("search", searched is not None, f"search answers {searched or 0:.1f} s after the start")
    e.expect("from-the-file", listed is not None and {"docs", "inbox"} <= {*names}, f"collections: {names}")
    e.expect("back", back is not None, f"what only the database knows is told again after {back or 0:.1f} s")


@experiment("no-downtime", "hybrid-config")
async def test_the_database_dies_in_flight(e: Experiment) -> None:
    """The database is killed under searches: none fails, and the query log has all of them afterwards."""
    began = datetime.now(UTC)
    run = f"{e.unique}-flight"
    async with e.load(distinct(SEARCH, QUESTIONS, run=run), rate=15):
        await e.lasts(0.5)
        async with e.broken(Kill("timescaledb", stays_down=True)):
            await e.lasts(2)
        await e.lasts(0.5)
    failed = [request for request in e.requests if request.outcome not in GOOD]
    asked = len(e.requests)
    logged = 0

    async def all_logged() -> bool:
        nonlocal logged
        found = await rows(
            e.stack,
            "SELECT count(DISTINCT question) FROM rag.query_log WHERE asked_at > %s AND question LIKE %s",
            began,
            f"%({run}-%",
        )
        logged = found[0][0]
        return bool(logged >= asked)

    written = await e.until(all_logged, e.suite.recovery_s + WRITTEN_S)
    e.expect("no-search-fails", not failed and asked > 30, f"{len(failed)} of {asked} searches failed")
    e.expect("nothing-lost", written is not None, f"{logged} of {asked} searches are in the query log")


@experiment("false-positives", "breakers")
async def test_trips_are_recorded_also_those_that_the_database_did_not_see(e: Experiment) -> None:
    """A breaker opens while the database hangs: the event is in rag.breaker_events once it is back."""
    began = datetime.now(UTC)
    asks = distinct(SEARCH, QUESTIONS, run=f"{e.unique}-recorded")
    async with e.broken(BlackHole("query->timescaledb"), Down("query->ollama")):
        for _ in range(6):
            e.note(await e.client.ask(0, next(asks), e.now()))
        state = (await e.breaker("ollama_embedding"))["state"]
        await e.lasts(1.5)  # the writer tries meanwhile, and has to keep the event

    async def recorded() -> list[tuple[object, ...]]:
        return await rows(
            e.stack,
            "SELECT service, old_state, new_state, false_positive, pid FROM rag.breaker_events"
            " WHERE happened_at > %s AND breaker = 'ollama_embedding' AND new_state = 'open'",
            began,
        )

    written = await e.until(recorded, e.suite.recovery_s + WRITTEN_S)
    found = await recorded()
    pid = (await e.breakers())["pid"]
    e.expect("opened", state == "open", f"the breaker is {state}")
    e.expect("recorded", written is not None, f"rag.breaker_events: {found}")
    e.expect("as-it-was", found[:1] == [("query", "closed", "open", False, pid)], f"{found}")


@experiment("hybrid-config", "rollback-triggers")
async def test_without_the_schema_collections_come_from_the_file(e: Experiment) -> None:
    """The rollback of the database: schema rag is gone, and collections go on by the file; it comes back by itself."""
    async with e.broken(SchemaGone()):
        listed = await e.until(lambda: e.serves("collections"), 5)
        searched = await e.until(lambda: e.serves("search"), 5)
        names = (await e.client.ask(0, e.ask("collections"), e.now())).about.get("names", [])
    back = await e.until(lambda: e.serves("collection-stats"), 20)
    e.expect("collections", listed is not None and {"docs", "inbox"} <= {*names}, f"collections: {names}")
    e.expect("search", searched is not None, "searches are answered")
    e.expect("back", back is not None, "the database is used again")
