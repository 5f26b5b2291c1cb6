from typing import Any

import pytest

from infra.targets.docker import once
from infra.targets.docker.engine import JOB_LABEL, STACK_LABEL
from infra.targets.docker.once import FailedError, JobProvider
from tests.unit.infra.targets.docker.fake import Engine

JOB: dict[str, Any] = {
    "dockerHost": "",
    "stack": "test",
    "name": "migrations",
    "image": "breakwater/jobs:1",
    "imageId": "sha256:1",
    "command": ["python", "-m", "infra.migrate"],
    "files": {"/etc/breakwater/database_password": "secret"},
    "user": "10001:10001",
    "network": "breakwater-test-internal",
    "tmpfs": {"/tmp": "size=64m"},
    "memoryMb": 192.0,  # as Pulumi hands numbers over
    "cpus": 0.1,
    "seconds": 60.0,
}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(once, "engine", made.connected)
    return made


def test_a_job_runs_within_its_limits_without_rights_with_its_files_and_leaves_nothing(engine: Engine) -> None:
    JobProvider().create(JOB)
    (ran,) = engine.ran
    assert ran.files == JOB["files"]
    assert (ran.image, ran.command) == ("breakwater/jobs:1", JOB["command"])
    wanted = {
        "user": "10001:10001",
        "network": "breakwater-test-internal",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": "192m",
        "memswap_limit": "192m",
        "nano_cpus": 100_000_000,
    }
    assert {name: ran.options[name] for name in wanted} == wanted
    assert "secret" not in str(ran.options)
    assert not engine.there


def test_a_job_that_fails_says_its_last_words_and_leaves_nothing(engine: Engine) -> None:
    engine.status, engine.log = 3, [b"line %d" % number for number in range(100)]
    with pytest.raises(FailedError, match="migrations ended with status 3:\nline 75\n") as failure:
        JobProvider().create(JOB)
    assert "secret" not in str(failure.value)
    assert not engine.there


def test_a_job_that_takes_too_long_is_ended(engine: Engine) -> None:
    engine.status = None
    with pytest.raises(FailedError, match=r"migrations is not done after 60 s:\n\(no output\)"):
        JobProvider().create(JOB)
    assert not engine.there


def test_what_a_killed_run_left_goes_before_the_next_and_nothing_else_does(engine: Engine) -> None:
    for stack, job in (("test", "migrations"), ("test", "models"), ("other", "migrations")):
        engine.create("breakwater/jobs:1", [], labels={STACK_LABEL: stack, JOB_LABEL: job}, mounts=[]).start()
    JobProvider().create(JOB)
    left = {(one.options["labels"][STACK_LABEL], one.options["labels"][JOB_LABEL]) for one in engine.there}
    assert left == {("test", "models"), ("other", "migrations")}


@pytest.mark.parametrize("key", ["imageId", "command", "files", "network", "cpus"])
def test_a_job_runs_again_when_it_is_another(engine: Engine, key: str) -> None:
    provider = JobProvider()
    assert not provider.diff("", JOB, {**JOB, "seconds": 1.0, "__provider": "new code"}).changes
    assert provider.diff("", JOB, {**JOB, key: "another"}).changes
    provider.update("", JOB, JOB)
    assert len(engine.ran) == 1
