"""The vector cluster: nodes die, hang and are cut off, and what was acknowledged is there and found nevertheless."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from chaos.checkers.crossing import CHECK as CROSSING
from chaos.checkers.crossing import crossing
from chaos.checkers.outage import outage_contract
from chaos.checkers.quality import answer_quality
from chaos.checkers.steady import Steady, steady_state
from chaos.checkers.writes import Ack, acknowledged_writes
from chaos.contract import table
from chaos.experiment import Experiment, experiment
from chaos.faults import BlackHole, Kill, Partition, Pause, SingleNode
from chaos.load import distinct
from chaos.nearest import nearest
from chaos.observe import parse
from chaos.operations import OPERATIONS, Ask, passage
from chaos.outages import FAILED
from chaos.questions import QUESTIONS
from chaos.record import Finding, Outcome, Verdict
from chaos.scorecard.measures import CROSSED
from chaos.vectors import COLLECTION, MOST, Vectors, point
from infra.probes.metrics import Snapshot, delta, total
from infra.topology import PEERS, QDRANT_NODES

PRIMARY, SECOND, THIRD = QDRANT_NODES
SEARCH = OPERATIONS["search"]
RATE = 10.0  # searches a second
WRITES = 20.0  # a second, at most: each waits for the one before
CALM_S = 1.0
STEADY = Steady(good_share=1.0, p95_s=10.0, least=5)  # the contract's; how long searches take is for others to prove

WRITES_AGAIN_S = 2.5  # after a node died: Qdrant takes 0.6 s, on a machine with nothing else to do
CUT_S = 5.0  # until peers notice that they cannot reach a node; they tell each other something every second
HUNG_S = 25.0  # until writes go on without a node that hangs: Qdrant takes 20 s
RESTORED_S = 30.0  # from healing until all replicas are Active and equal; the partition that was measured took 4 s
REJOINED_S = 15.0  # from a restart until the replica is Active: the start may take 2 s, each agreement on the way 5 s
ATTEMPT_S = 1.6  # twice what a search gives a node
EJECTED_S = 2.0  # in which all who ask a silent node have given it up: 0.8 s each
PROBES = 3  # at a silent node in the two seconds after that; half of what comes without ejection
PROBED_S = 10.0  # until a node that is back is asked again: at most 4 s, and the answers on the way
EXTRA = 1.25  # attempts for a search while one node is silent; 1.33 if everybody tried it in turn
SAME = 0.99  # of the exact answers; two passages may be equally near
LAG_CALM_S = 1.0
LAG_S = 5.0  # at which an alert is raised
LAG_QUICK_S = 2.0


@asynccontextmanager
async def vectors(e: Experiment, patience_s: float = 2.0) -> AsyncIterator[Vectors]:
    """A collection of the experiment's own, and as long as it is there searches in the documents', at all nodes."""
    nodes = {node: e.stack.url(node) for node in QDRANT_NODES}
    async with Vectors(e.session, nodes, clock=e.now, patience_s=patience_s) as own, e.load(searches(e), rate=RATE):
        began = await e.snapshot()
        await e.until(lambda: asked(e, began, *QDRANT_NODES), PROBED_S)  # the last experiment's fault is forgotten
        await e.lasts(CALM_S)
        yield own


def searches(e: Experiment) -> Iterator[Ask]:
    """Searches that no cache can answer."""
    return distinct(SEARCH, QUESTIONS, run=f"{e.unique}-{e.entry.name}")


async def restored(e: Experiment, own: Vectors) -> None:
    """Wait until the cluster is as before, and callers are served."""
    took = await e.until(own.whole, RESTORED_S)
    e.expect("restored", took is not None, f"all replicas Active and equal: {when(took)}")
    served = await e.recovered()
    e.expect("well-again", served is not None, f"all breakers closed, searches answered: {when(served)}")
    await e.lasts(max(0.0, healed(e) + CALM_S - e.now()))


def when(seconds: float | None) -> str:
    """When something happened that was waited for."""
    return "not in time" if seconds is None else f"after {seconds:.1f} s"


def served(e: Experiment) -> None:
    """Hold the searches to what is promised when nothing is wrong, from the first to the last."""
    broken = min(window.started for window in e.windows)
    e.check(steady_state(e.requests, before=broken, after=healed(e), steady=STEADY))
    e.check(outage_contract(e.requests, [], table.load()))


def healed(e: Experiment) -> float:
    """When the last fault was."""
    return max(window.ended or 0.0 for window in e.windows)


def kept(own: Vectors, *, stale_s: float = RESTORED_S, least: int = 5) -> Finding:
    """Whether all acknowledged writes are there in the end, and for how long readers of one node missed some."""
    found = acknowledged_writes(own.writes, own.reads, stale_s=stale_s, refused_may_show=True, least=least)
    if "stale" not in found.evidence or all(read.final for read in own.reads):
        return found
    stale, longest = found.evidence["stale"], found.evidence["stalest_s"]
    return replace(found, said=f"{found.said}; {stale} were missed by a read, for {longest:.1f} s at most")


def crossed(e: Experiment, before: Snapshot, after: Snapshot, node: str) -> None:
    """Searches must have met the fault at the node."""
    e.check(crossing(by_query(before), by_query(after), dependency=node, outcomes=FAILED, least=1))


def by_query(taken: Snapshot) -> Snapshot:
    """What the query service counted."""
    return {series: value for series, value in taken.items() if series.source == "query"}


def attempts(before: Snapshot, after: Snapshot, *nodes: str, **labels: str) -> float:
    """How often searches asked these nodes."""
    grown = delta(by_query(before), by_query(after))
    return sum(total(grown, "dependency_attempt_seconds_count", dependency=node, **labels) for node in nodes)


def seconds_in_vain(before: Snapshot, after: Snapshot, node: str) -> float:
    """How long a search's attempt at the node took that got no answer, on average; 0 where none was made."""
    grown = delta(by_query(before), by_query(after))
    seconds, number = (
        sum(total(grown, f"dependency_attempt_seconds_{what}", dependency=node, outcome=how) for how in FAILED)
        for what in ("sum", "count")
    )
    return seconds / number if number else 0.0


async def cut_off(e: Experiment, own: Vectors, *nodes: str) -> None:
    """Some peer must have tried in vain to reach each of the nodes: Qdrant counts that by their addresses."""
    failed = dict.fromkeys(nodes, 0)

    async def tried() -> bool:
        for peer in QDRANT_NODES:
            for uri, failures in (await own.cluster(peer))["message_send_failures"].items():
                for node in nodes:
                    if uri.rstrip("/").endswith(f":{e.stack.edge(f'{PEERS}->{node}').listen}"):
                        failed[node] = max(failed[node], failures["count"])
        return all(failed.values())

    verdict = Verdict.UNKNOWN if await e.until(tried, CUT_S) is None else Verdict.PASSED
    said = ", ".join(f"{count} messages to {node} failed" for node, count in failed.items())
    e.check(Finding(CROSSING, verdict, said, {CROSSED: sum(failed.values())}))


def longest_pause(own: Vectors, since: float, until: float) -> float:
    """The longest time in between in which no write was acknowledged."""
    times = sorted(write.ended for write in own.writes if write.ack is Ack.ACKNOWLEDGED and since < write.ended < until)
    return max(later - earlier for earlier, later in zip([since, *times], [*times, until], strict=True))


async def replicas(e: Experiment, method: str, path: str) -> dict[str, Any]:
    """What the collections service tells of our collection's replicas."""
    url = f"{e.stack.url('collections')}/internal/replicas/{COLLECTION}{path}"
    async with e.session.request(method, url, headers={"X-Service-Token": e.stack.service_token}) as answer:
        told: dict[str, Any] = await answer.json()
        return told


@pytest.mark.parametrize("node", [SECOND, PRIMARY])
@experiment("qdrant-ha", "no-downtime")
async def test_a_vector_node_is_killed(e: Experiment, node: str) -> None:
    """{node} is killed and kept down: no search fails, writes go on, and it has everything when it is back."""
    async with vectors(e) as own:
        async with own.writing(WRITES):
            await e.lasts(CALM_S / 2)
            before = await e.snapshot()
            async with e.broken(Kill(node, stays_down=True)):
                killed = e.now()
                await e.lasts(WRITES_AGAIN_S + 0.5)
                paused = longest_pause(own, killed, e.now())
            after = await e.snapshot()
        await restored(e, own)
    served(e)
    crossed(e, before, after, node)
    e.expect("writes-go-on", paused < WRITES_AGAIN_S, f"no write acknowledged for {paused:.2f} s", paused_s=paused)
    e.check(kept(own))


@pytest.mark.full
@experiment("qdrant-ha", "no-downtime")
async def test_the_primary_hangs(e: Experiment) -> None:
    """qdrant-0 hangs: searches leave it alone but for probes, writes lose nothing, and it is asked again when back."""
    async with vectors(e, patience_s=1.0) as own:
        async with own.writing(WRITES):
            await e.lasts(CALM_S / 2)
            before = await e.snapshot()
            async with e.broken(Pause(PRIMARY)):
                hung = e.now()
                await e.lasts(EJECTED_S)
                ejected = await e.snapshot()
                await e.lasts(2)
                after = await e.snapshot()
                if not e.suite.quick:
                    await e.lasts(HUNG_S - (e.now() - hung) + 2)
                paused = longest_pause(own, hung, e.now())
            written = await e.until(lambda: written_since(own, healed(e)), RESTORED_S)
        probed = await e.until(lambda: asked(e, after, PRIMARY), PROBED_S)
        await restored(e, own)
    served(e)
    crossed(e, before, after, PRIMARY)
    probes = attempts(ejected, after, PRIMARY)
    e.expect("ejected", probes <= PROBES, f"{probes:g} searches tried the hung node, once it was known", probes=probes)
    e.expect("probed-back", probed is not None, f"searches ask it again: {when(probed)}")
    if not e.suite.quick:
        e.expect("writes-go-on", paused < HUNG_S, f"no write acknowledged for {paused:.1f} s", paused_s=paused)
    e.expect("writes-again", written is not None, f"a write acknowledged: {when(written)}")
    e.check(kept(own))


async def written_since(own: Vectors, since: float) -> bool:
    """Whether a write has been acknowledged."""
    return any(write.ack is Ack.ACKNOWLEDGED and write.ended > since for write in own.writes)


async def asked(e: Experiment, since: Snapshot, *nodes: str) -> bool:
    """Whether each of the nodes has answered a search."""
    now = await e.snapshot()
    return all(attempts(since, now, node, outcome="ok") > 0 for node in nodes)


@experiment("qdrant-ha", "cluster-complexity")
async def test_two_vector_nodes_are_killed(e: Experiment) -> None:
    """One node is left: it answers searches and refuses writes, and what they leave behind is found and put right."""
    async with vectors(e) as own:
        await own.write_new(50)
        factors = {name: await own.factors(name) for name in ("docs", COLLECTION)}
        before = await e.snapshot()
        async with e.broken(Kill(PRIMARY, stays_down=True), Kill(THIRD, stays_down=True)):
            acks = [await own.write_new(1, nodes=(SECOND,)) for _ in range(3)]
            await e.lasts(1)
        after = await e.snapshot()
        await e.until(own.active, RESTORED_S)
        different = await own.different()
        repaired = await replicas(e, "POST", "/repair")
        await restored(e, own)
    served(e)
    crossed(e, before, after, PRIMARY)
    crossed(e, before, after, THIRD)
    for name in ("docs", COLLECTION):
        e.expect("three-copies-two-acknowledge", factors[name] == (3, 2), f"{name}: {factors[name]}")
    e.expect("writes-refused", Ack.ACKNOWLEDGED not in acks, f"writes with one node left: {', '.join(acks)}")
    found = {str(difference["id"]) for difference in repaired["before"]["differences"]}
    e.expect("found-by-content", found == different, f"differing: {sorted(different)}; found: {sorted(found)}")
    e.expect("repaired", repaired["consistent"] is True, f"after the repair: {repaired['after']['consistent']}")
    e.check(kept(own))


@pytest.mark.parametrize("how", ["refused", pytest.param("lost", marks=pytest.mark.full)])
@experiment("qdrant-ha", "cluster-complexity")
async def test_the_primary_is_cut_off_from_its_peers(e: Experiment, how: str) -> None:
    """What peers send to qdrant-0 is {how}; both sides are written: nothing acknowledged is lost, staleness is told."""
    async with vectors(e, patience_s=1.0) as own:
        async with own.reading(), own.writing(WRITES, nodes=(PRIMARY,)), own.writing(WRITES, nodes=(SECOND, THIRD)):
            await e.lasts(CALM_S / 2)
            async with e.broken(Partition(PRIMARY, silent=how == "lost")):
                cut = e.now()
                await cut_off(e, own, PRIMARY)
                await e.lasts(3 - (e.now() - cut))
                lasted = e.now() - cut
        await restored(e, own)
    served(e)
    e.check(kept(own, stale_s=lasted + RESTORED_S))


@experiment("qdrant-ha")
async def test_a_vector_node_rejoins(e: Experiment) -> None:
    """A node that missed writes is started again: its replica is Active in time, while writes go on, and equal."""
    async with vectors(e) as own:
        await own.write_new(1000)
        before = await e.snapshot()
        async with own.writing(WRITES):
            async with e.broken(Kill(SECOND, stays_down=True)):
                missed = await own.write_new(500)
                await e.lasts(1)
            after = await e.snapshot()
            rejoined = await e.until(own.active, REJOINED_S)
        await restored(e, own)
    served(e)
    crossed(e, before, after, SECOND)
    e.expect("missed", missed is Ack.ACKNOWLEDGED, f"500 points written meanwhile: {missed}")
    e.expect("rejoins", rejoined is not None, f"Active {when(rejoined)}; {REJOINED_S:g} s allowed")
    e.check(kept(own, least=1500))


@experiment("cluster-complexity")
async def test_a_lagging_replica_is_told(e: Experiment) -> None:
    """Writes do not reach qdrant-2: the lag that is told of it grows, of no other, and falls when they do again."""
    limit = LAG_QUICK_S if e.suite.quick else LAG_S
    async with vectors(e) as own:
        calm = await e.until(lambda: lag_below(e, LAG_CALM_S), 10)
        async with own.writing(WRITES), e.broken(Partition(THIRD)):
            await cut_off(e, own, THIRD)
            risen = await e.until(lambda: lag_above(e, limit), limit + 10)
            told = await lags(e)
        fallen = await e.until(lambda: lag_below(e, LAG_CALM_S), RESTORED_S)
        await restored(e, own)
    served(e)
    lag, others = told.get(THIRD, 0.0), max((told[node] for node in (PRIMARY, SECOND) if node in told), default=0.0)
    e.check(Finding("lag-before", Verdict.UNKNOWN if calm is None else Verdict.PASSED, f"below {LAG_CALM_S:g} s"))
    e.expect("lag-rises", risen is not None, f"{lag:.1f} s told of {THIRD}; over {limit:g} s wanted", **told)
    e.expect("of-no-other", others < LAG_CALM_S, f"at most {others:.2f} s of the others")
    e.expect("lag-falls", fallen is not None, f"below {LAG_CALM_S:g} s again {when(fallen)}")
    e.check(kept(own))


async def lags(e: Experiment) -> Mapping[str, float]:
    """The lag that is told of each node, in seconds."""
    name = "qdrant_replication_lag_seconds"
    async with e.session.get(f"{e.stack.url('collections')}/metrics") as answer:
        samples = parse("collections", await answer.text(), e.now(), frozenset({name}))
    return {sample.labels["node"]: sample.value for sample in samples}


async def lag_above(e: Experiment, seconds: float) -> bool:
    """Whether it is told of qdrant-2."""
    return (await lags(e)).get(THIRD, 0.0) > seconds


async def lag_below(e: Experiment, seconds: float) -> bool:
    """Whether it is told of every node."""
    told = await lags(e)
    return set(told) == {*QDRANT_NODES} and max(told.values()) < seconds


@experiment("cluster-complexity")
async def test_replicas_that_differ_are_found_by_content_and_repaired(e: Experiment) -> None:
    """A node takes writes that it cannot hand on: what it has more, less and otherwise is found and put right."""
    changed, deleted, extra = 1, 2, 1_000_000
    async with vectors(e) as own:
        await own.write_new(50)
        async with e.broken(Partition(SECOND), Partition(THIRD)):
            await own.ask(PRIMARY, "PUT", "/points?wait=true", {"points": [point(changed, "changed"), point(extra)]})
            await own.ask(PRIMARY, "POST", "/points/delete?wait=true", {"points": [deleted]})
            await cut_off(e, own, SECOND, THIRD)
        await e.until(own.active, RESTORED_S)
        different = await own.different()
        checked = await replicas(e, "GET", "")
        repaired = await replicas(e, "POST", "/repair")
        await restored(e, own)
    served(e)
    made = {str(number) for number in (changed, deleted, extra)}
    found = {difference["id"]: difference["faults"] for difference in checked["differences"]}
    wanted = {changed: {PRIMARY: "different"}, deleted: {PRIMARY: "missing"}, extra: {PRIMARY: "extra"}}
    there = Verdict.PASSED if different == made else Verdict.UNKNOWN
    e.check(Finding("divergence", there, f"the nodes differ in {sorted(different)}, made to differ in {sorted(made)}"))
    e.expect("found-by-content", found == wanted, f"found: {found}")
    e.expect(
        "repaired", repaired["consistent"] is True, f"{repaired['written']} written, {repaired['deleted']} deleted"
    )
    e.check(kept(own))


@experiment("cluster-complexity", "no-downtime", "rollback-triggers")
async def test_the_cluster_goes_to_one_node_and_back(e: Experiment) -> None:
    """The rollback of the vector cluster: one node takes over and gives back, and no search or write is lost by it."""
    async with vectors(e) as own:
        async with own.writing(WRITES), e.broken(SingleNode()):
            before, alone = await e.snapshot(), e.now()
            await e.lasts(1)
            after, paused = await e.snapshot(), longest_pause(own, alone, e.now())
        await restored(e, own)
    served(e)
    for node in (SECOND, THIRD):  # they pass searches on
        e.check(crossing(by_query(before), by_query(after), dependency=node, outcomes=("ok",), least=1))
    e.expect("writes-go-on", paused < 1, f"no write acknowledged for {paused:.2f} s at the one node", paused_s=paused)
    e.check(kept(own))


@experiment("qdrant-ha", "no-downtime")
async def test_answers_stay_right_while_replicas_die(e: Experiment) -> None:
    """One replica dies after the other: searches find what an exact comparison of all passages has found in calm."""
    async with vectors(e) as own:
        passages = await held(e, own)
        before = await e.snapshot()
        async with e.broken(Kill(PRIMARY, stays_down=True)):
            await e.lasts(1)
            async with e.broken(Kill(SECOND, stays_down=True)):
                await e.lasts(1.5)
        after = await e.snapshot()
        await restored(e, own)
    served(e)
    crossed(e, before, after, PRIMARY)
    crossed(e, before, after, SECOND)
    live = [request for request in e.requests if request.outcome is Outcome.LIVE]
    expected = await exact(e, passages, [request.about["question"] for request in live])
    e.check(answer_quality(live, expected, recall=SAME, least=30))


async def held(e: Experiment, own: Vectors) -> Mapping[str, Sequence[float]]:
    """Every passage of the documents' collection with its vector."""
    wanted = {"limit": MOST, "with_payload": ["path", "chunk"], "with_vector": True}
    _, found = await own.ask(PRIMARY, "POST", "/points/scroll", wanted, collection="docs")
    return {passage(one["payload"]["path"], one["payload"]["chunk"]): one["vector"] for one in found["points"]}


async def exact(
    e: Experiment, passages: Mapping[str, Sequence[float]], questions: Sequence[str]
) -> Mapping[str, Sequence[str]]:
    """The passages nearest to each question, of all that there are."""
    embed = {"model": "all-minilm", "input": questions}
    async with e.session.post(f"{e.stack.url('ollama')}/api/embed", json=embed) as answer:
        embedded = (await answer.json())["embeddings"]
    return {question: nearest(passages, vector) for question, vector in zip(questions, embedded, strict=True)}


@experiment("qdrant-ha", "no-downtime")
async def test_a_silent_node_costs_a_search_one_attempt(e: Experiment) -> None:
    """A node swallows what query sends it: each search goes on at another node in time, and few try it in vain."""
    async with vectors(e) as own:
        before, began = await e.snapshot(), e.now()
        async with e.broken(BlackHole(f"query->{SECOND}", "both")):
            await e.lasts(EJECTED_S)
            ejected = await e.snapshot()
            await e.lasts(2)
            after, ended = await e.snapshot(), e.now()
        await restored(e, own)
        over = await e.snapshot()  # no attempt is under way any more
    served(e)
    crossed(e, before, over, SECOND)
    during = [request for request in e.requests if began <= request.intended and request.ended <= ended]
    each = attempts(before, after, *QDRANT_NODES) / len(during)
    probes = attempts(ejected, after, SECOND)
    waited = seconds_in_vain(before, over, SECOND)
    e.expect("in-one-request", waited < ATTEMPT_S, f"an attempt in vain takes {waited:.2f} s", seconds=waited)
    e.expect("few-attempts", each < EXTRA, f"{each:.2f} attempts for each of {len(during)} searches", attempts=each)
    e.expect(
        "ejected", probes <= PROBES, f"{probes:g} searches tried the silent node, once it was known", probes=probes
    )
