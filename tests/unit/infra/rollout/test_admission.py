"""What a stack is told that cannot have a rollout, for budgets and settings as they are and as they might be."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound

from infra import topology
from infra.policy import reliability
from infra.rollout import admission
from infra.rollout.admission import admit
from infra.rollout.deployment import RolloutError
from infra.rollout.releases import ReleaseError
from tests.settings import settings

NEW = "0.2.0-0a"
SERVICES = ["ingestion", "query", "collections", "rag-service"]
DIGEST = "sha256:" + "0a" * 32


@pytest.fixture(autouse=True)
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path))
    (tmp_path / "releases" / NEW / "migrations").mkdir(parents=True)


@pytest.fixture(autouse=True)
def images(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Those of the new release that the engine has."""
    there = {f"breakwater/{name}:{NEW}" for name in (*SERVICES, "jobs")}

    def get(name: str) -> str:
        if name not in there:
            raise ImageNotFound(name)
        return name

    @contextmanager
    def engine(_docker_host: str) -> Iterator[Any]:
        yield SimpleNamespace(images=SimpleNamespace(get=get))

    monkeypatch.setattr(admission, "engine", engine)
    return there


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules and memory are no reason, and take no time."""
    monkeypatch.setattr(admission, "_of_stages", lambda _settings, _release: [])


def refusal(**given: Any) -> list[str]:
    """What is said about each thing that is wrong, a line for each at least."""
    with pytest.raises(RolloutError) as refused:
        admit(settings(**given), NEW)
    first, *said, last = str(refused.value).splitlines()
    assert first == "the rollout cannot begin:"
    assert last == "When that is done, `make up`, and roll out again"
    return said


@pytest.mark.parametrize(
    "given",
    [{"target": "local"}, {"target": "docker"}, {"target": "docker", "chaos": False, "stopFirst": SERVICES}],
)
def test_a_stack_with_memory_for_all_that_it_comes_to_may_have_a_rollout(given: dict[str, Any]) -> None:
    admit(settings(**given), NEW)


def test_services_that_a_promotion_would_have_three_times_are_refused_in_the_words_of_the_plan() -> None:
    said, _ = refusal(target="docker", chaos=False)
    assert f"there is to be release {NEW} beside {NEW}, which gets 100 %; nothing was touched: " in said
    assert "together take the stack to 17,792 MiB, and it has to stay below 16,384" in said
    for service in SERVICES:
        assert f'"{service}"' in said.partition("with the setting stopFirst: ")[2]


def test_candidates_that_break_the_budget_are_refused_in_the_words_of_the_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reliability, "BUDGET_MEMORY_MB", 16256)
    stage, rule = refusal(target="docker")
    assert "release 0.1.0 beside 0.2.0-0a, which gets 0 %; test breaks rules, so nothing was touched" in stage
    assert "[budget] the limits add up to 16,256 MiB of memory and have to stay below 16,256; lower some" in rule


def test_a_topology_that_does_not_fit_together_with_candidates_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "BUDGET_MEMORY_MB", 14848)
    (said,) = refusal(target="local", chaos=False)
    assert "gets 0 %; limits add up to 14848 MiB of memory, the budget is below 14848; the largest is ollama" in said


def test_services_without_a_port_at_which_they_are_looked_at_are_refused_where_memory_is_no_reason() -> None:
    (said,) = refusal(target="docker", chaos=False, qdrantNodes=1)
    assert said.endswith('set stopFirst: ["ingestion", "query", "collections", "rag-service"]')


def test_where_images_need_digests_those_of_the_new_release_are_asked_for() -> None:
    there = topology.topology(observability=True).components
    own = [f"{one.name}:0.1.0={DIGEST}" for one in there if one.built_here]
    others = [f"{one.name}={DIGEST}" for one in there if not one.built_here]
    said = "".join(refusal(target="docker", requireDigests=True, imageDigests=[*own, *others]))
    assert all(f"add {service}:{NEW}=sha256:... to imageDigests" in said for service in SERVICES)


@pytest.mark.usefixtures("fits")
def test_images_that_would_be_missed_only_after_the_migrations_are_told_before(images: set[str]) -> None:
    images -= {f"breakwater/jobs:{NEW}", f"breakwater/query:{NEW}"}
    (said,) = refusal(target="docker")
    assert f"the engine has no breakwater/jobs:{NEW}, breakwater/query:{NEW}; " in said
    assert said.endswith(f"make images RELEASE={NEW}")
    admit(settings(target="docker", registry="images.lan:5000"), NEW)  # which may have them


@pytest.mark.usefixtures("fits")
def test_an_engine_on_another_machine_is_told_of() -> None:
    (said,) = refusal(target="docker", dockerHost="ssh://me@gpu-1")
    assert said.endswith("the engine is on gpu-1; roll out there")


def test_a_stable_release_that_is_not_here_is_refused_since_nothing_could_take_the_migrations_back() -> None:
    with pytest.raises(ReleaseError, match="no release '9' is prepared"):
        admit(settings(target="docker", release="9"), NEW)
