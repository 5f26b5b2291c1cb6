from dataclasses import replace

import pytest

from infra.manifest import Manifest, from_json
from infra.plan.steps import Plan, Step, plan
from infra.topology import RELEASED, Limits, candidate_of
from tests.manifests import changed, manifest_of, without

LOCAL = manifest_of()
DOCKER = manifest_of(target="docker", chaos=False)


def actions(planned: Plan) -> dict[str, str]:
    return {step.component: step.action for step in planned.steps}


def step(planned: Plan, component: str) -> Step:
    (found,) = (one for one in planned.steps if one.component == component)
    return found


@pytest.mark.parametrize("manifest", [LOCAL, DOCKER], ids=["local", "docker"])
def test_a_stack_that_stays_as_it_is_has_no_steps(manifest: Manifest) -> None:
    planned = plan(from_json(manifest.to_json()), manifest)
    assert (planned.steps, planned.refusals, planned.notes) == ((), (), ())
    assert planned.total == "nothing changes"


def test_everything_of_a_stack_that_is_not_up_is_new_and_starts_in_its_order() -> None:
    planned = plan(None, LOCAL)
    assert [one.component for one in planned.steps] == [one.component for one in LOCAL.components]
    assert set(actions(planned).values()) == {"start"}
    assert planned.total.startswith("14 components are new, longest downtime none, peak extra memory 0 MiB of ")


def test_a_changed_setting_restarts_those_that_are_told_it_and_says_what_they_are_told() -> None:
    planned = plan(LOCAL, manifest_of(cache=False), {"query": 2.6})
    assert planned.steps == (
        Step(
            "query",
            "restart",
            ("environment: CACHE_ENABLED true → false",),
            down_s=2.6,
            measured=True,
            notice="searches and questions are refused with 503",
        ),
    )
    assert planned.steps[0].downtime == "about 3 s"
    assert planned.total.startswith("1 component restarts, longest downtime about 3 s, peak extra memory 0 MiB of ")


def test_without_a_start_to_go_by_the_most_that_one_may_take_is_told() -> None:
    assert plan(LOCAL, manifest_of(cache=False)).steps[0].downtime == "at most 20 s"


def test_new_files_that_are_read_as_it_runs_restart_nothing() -> None:
    planned = plan(LOCAL, changed(LOCAL, "kong", live_files={"listener.json": "0"}))
    assert actions(planned) == {"kong": "reload"}
    assert step(planned, "kong").downtime == "none"
    assert planned.total.startswith("1 component reads new files as it runs, ")


def test_what_says_only_how_a_component_is_deployed_touches_nothing() -> None:
    assert plan(LOCAL, changed(LOCAL, "query", after=(), strategy="create-first", restarts=False)).steps == ()
    assert plan(DOCKER, changed(DOCKER, "query", after=())).steps == ()


def test_what_is_wanted_no_more_ends_at_the_end_in_the_other_direction() -> None:
    planned = plan(LOCAL, manifest_of(chaos=False, qdrantNodes=1))
    assert [one.component for one in planned.steps if one.action == "end"] == ["qdrant-2", "qdrant-1", "toxiproxy"]
    assert [one.action for one in planned.steps][-3:] == ["end"] * 3
    assert planned.notes == (
        "3 copies of a point, 2 acknowledge a write → 1 copies of a point, 1 acknowledge a write; "
        "docs/single-node.md tells what comes first",
    )


def test_a_job_runs_again_and_is_nothing_that_could_be_down() -> None:
    planned = plan(LOCAL, changed(LOCAL, "migrations", source="0"))
    assert planned.steps == (Step("migrations", "run", ("its code changed",)),)
    assert planned.total.startswith("1 job runs again, ")


def test_a_component_of_which_a_new_one_starts_first_is_never_down_but_there_twice() -> None:
    planned = plan(DOCKER, changed(DOCKER, "rag-service", environment={"QUERY_URL": "http://query:8202"}))
    rolled = step(planned, "rag-service")
    assert (rolled.action, rolled.downtime, rolled.notice, rolled.twice_mb) == ("roll", "none", "", 256)
    assert planned.extra_mb == 256
    assert planned.left_mb == 16384 - sum(one.limits.memory_mb for one in DOCKER.components if one.limits)
    assert planned.refusals == ()


def test_those_that_call_what_rolls_roll_after_it_and_the_gateway_only_reads_its_new_routes() -> None:
    before = changed(DOCKER, "rag-service", environment={"QUERY_URL": "http://query:8202"})
    before = changed(before, "query", strategy="create-first", live_files={})
    planned = plan(before, changed(before, "query", runs="breakwater/query:0.2.0"))
    assert step(planned, "query").why == ("image breakwater/query 0.1.0 → 0.2.0",)
    assert step(planned, "rag-service").why == ("calls the new query",)
    assert actions(planned) == {"query": "roll", "rag-service": "roll", "kong": "reload"}
    assert planned.extra_mb == 384 + 256


@pytest.mark.parametrize("target", ["local", "docker"])
def test_candidates_start_beside_the_others_and_the_gateway_takes_them_up_as_it_runs(target: str) -> None:
    before, beside = manifest_of(target=target), manifest_of(target=target, candidate="0.1.0")
    new = dict.fromkeys(map(candidate_of, RELEASED), "start")
    assert actions(plan(before, beside)) == new | {"kong": "reload"}
    weighted = manifest_of(target=target, candidate="0.1.0", candidateWeights=["query=100"])
    assert actions(plan(beside, weighted)) == {"kong": "reload"}
    assert actions(plan(weighted, before)) == dict.fromkeys(new, "end") | {"kong": "reload"}


def test_memory_that_is_not_there_for_two_of_each_is_refused_with_what_would_fit() -> None:
    after = in_rollout = manifest_of(target="docker", chaos=False, candidate="0.2.0")
    for service in ("ingestion", "query", "rag-service", "collections"):
        after = changed(after, service, runs=f"breakwater/{service}:0.2.0")
    planned = plan(in_rollout, after)
    assert planned.extra_mb == 768 + 384 + 256 + 256 > planned.left_mb
    (refusal,) = planned.refusals
    assert "old and new collections, rag-service, query, ingestion together take the stack to" in refusal
    assert 'stopFirst: ["ingestion", "query", "rag-service", "collections"] it takes 1,664 MiB less' in refusal
    for service in ("ingestion", "query", "rag-service", "collections"):
        after = changed(after, service, strategy="stop-first")
    fits = plan(in_rollout, after)
    assert fits.refusals == ()
    assert fits.extra_mb == 0


def test_as_many_are_to_be_replaced_with_a_gap_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "infra.plan.steps.BUDGET_MEMORY_MB", sum(one.limits.memory_mb for one in DOCKER.components if one.limits) + 300
    )
    after = DOCKER
    for service in ("ingestion", "query", "collections"):
        after = changed(after, service, runs=f"breakwater/{service}:0.2.0")
    (refusal,) = plan(DOCKER, after).refusals
    # Together with rag-service, which calls query.
    assert 'stopFirst: ["ingestion", "query", "collections"] it takes 1,408 MiB less' in refusal


def test_what_is_new_counts_beside_what_ends_and_where_no_gap_helps_the_stack_has_to_be_taken_down() -> None:
    whole = (one for one in DOCKER.components if one.component != "ollama")
    before = replace(DOCKER, components=(*whole, replace(DOCKER.components[0], component="llama")))
    (refusal,) = plan(before, DOCKER).refusals
    assert refusal.endswith("16,384; `make down` first, then `make up`")


def test_a_limit_that_is_raised_counts_before_what_ends_is_gone() -> None:
    smaller = changed(DOCKER, "ollama", limits=Limits(4096, 2.0))
    assert plan(smaller, DOCKER).extra_mb == 0
    assert plan(smaller, without(DOCKER, "redis")).extra_mb == 512
    assert step(plan(smaller, DOCKER), "ollama").why == ("memory 4096 → 5376 MiB",)


def test_a_stack_does_not_change_its_target_while_it_is_up() -> None:
    (refusal,) = plan(LOCAL, DOCKER).refusals
    assert refusal == "it runs on local and is to run on docker, on the same ports; `make down` it first"


@pytest.mark.parametrize(
    ("manifest", "component", "notice"),
    [
        (LOCAL, "qdrant-0", "nothing: searches go on with 2 of 3 nodes"),
        (manifest_of(qdrantNodes=1), "qdrant-0", "no search: what the cache has is answered"),
        (LOCAL, "timescaledb", "searches go on"),
        (LOCAL, "redis", "not cached"),
        (LOCAL, "ollama", "no new answers"),
        (LOCAL, "kong", "every request fails"),
        (DOCKER, "grafana", "no dashboards"),
    ],
)
def test_it_says_what_users_notice_while_a_component_is_away(manifest: Manifest, component: str, notice: str) -> None:
    planned = plan(manifest, changed(manifest, component, command=("another",)))
    assert notice in step(planned, component).notice


def test_a_container_may_take_longer_to_start_than_a_process() -> None:
    assert plan(DOCKER, changed(DOCKER, "redis", user="1:1")).steps[0].downtime == "at most 90 s"


def test_several_stateful_components_follow_each_other() -> None:
    after = LOCAL
    for name in ("qdrant-2", "timescaledb", "qdrant-0"):
        after = changed(after, name, source="0")
    assert [one.component for one in plan(LOCAL, after).steps] == ["qdrant-0", "timescaledb", "qdrant-2"]


def test_a_component_that_the_design_knew_once_may_end() -> None:
    older = replace(LOCAL, components=(*LOCAL.components, replace(LOCAL.components[0], component="varnish")))
    assert actions(plan(older, LOCAL)) == {"varnish": "end"}
