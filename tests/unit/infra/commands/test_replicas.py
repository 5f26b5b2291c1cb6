import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from infra import workspace
from infra.commands import replicas


def report(*, consistent: bool | None = True, **changes: Any) -> dict[str, Any]:
    nodes = [{"node": f"qdrant-{n}", "state": "Active", "problem": None, "points": 4} for n in range(3)]
    return {
        "collection": "docs",
        "consistent": consistent,
        "problem": None,
        "replicas": [node | {"missing": 0, "extra": 0, "different": 0} for node in nodes],
        "differing": 0,
        "differences": [],
        "undecided_documents": [],
        **changes,
    }


DIFFERENT = report(
    consistent=False,
    differing=101,
    differences=[{"id": 7, "path": "a.md", "faults": {"qdrant-1": "extra"}}],
    undecided_documents=["a.md"],
)
REPAIRED = {"consistent": True, "problem": None, "written": 2, "deleted": 1, "changed": 0, "failed": 0}


class Collections(HTTPServer):
    """Stands for the service: answers paths with JSON, 404 otherwise, and keeps what it was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Collections

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path} {self.headers['X-Service-Token']}")
        answer = self.server.answers.get(self.path)
        self.send_response(200 if answer else 404)
        self.end_headers()
        self.wfile.write(json.dumps(answer or {"detail": "no such collection"}).encode())

    do_POST = do_GET  # noqa: N815  # the base class calls it by this name

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command against a service with these answers: its exit status, and what the service was asked."""

    def run(answers: dict[str, Any], *words: str) -> tuple[int, list[str]]:
        with serving(answers) as server:
            ports = {"collections/http": server.server_address[1]}
            outputs = {"ports": ports, "secrets": {"interServiceSecret": "token"}}
            monkeypatch.setattr(workspace, "outputs", lambda _: outputs)
            parser = argparse.ArgumentParser()
            replicas.arguments(parser)
            return replicas.run(parser.parse_args([*words], argparse.Namespace(stack="test"))), server.asked

    return run


@contextmanager
def serving(answers: dict[str, Any]) -> Iterator[Collections]:
    with Collections(answers) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_equal_replicas_are_success(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command({"/internal/replicas": {"collections": [report()]}}) == (0, ["GET /internal/replicas token"])
    assert "docs: equal" in capsys.readouterr().out


def test_what_differs_is_shown_and_the_status_is_1(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    unknown = report(consistent=None, problem="qdrant-2 is away", collection="other")
    assert command({"/internal/replicas": {"collections": [unknown, DIFFERENT]}})[0] == 1
    said = capsys.readouterr().out
    for words in ("7 of a.md: extra at qdrant-1", "and 100 more", "index again: a.md", "qdrant-2 is away"):
        assert words in said


def test_what_cannot_be_compared_is_status_2(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    answers = {"/internal/replicas/docs?wait_s=0": report(consistent=None, problem="qdrant-2's replica is Dead")}
    assert command(answers, "docs")[0] == 2
    assert "qdrant-2's replica is Dead" in capsys.readouterr().out


def test_a_repair_goes_through_every_collection_and_tells_the_state_afterwards(
    command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {
        "/internal/replicas": {"collections": [DIFFERENT]},
        "/internal/replicas/docs/repair": REPAIRED | {"before": DIFFERENT, "after": report()},
    }
    assert command(answers, "--repair")[0] == 0
    assert "docs: repaired: 2 written, 1 deleted, 0 changed, 0 failed\ndocs: equal" in capsys.readouterr().out


def test_waiting_is_left_to_the_service(command: Any) -> None:
    answers = {"/internal/replicas/docs?wait_s=2.5": report()}
    assert command(answers, "docs", "--wait", "2.5")[0] == 0


def test_json_is_what_the_service_answered(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command({"/internal/replicas": {"collections": [DIFFERENT]}}, "--json")[0] == 1
    assert json.loads(capsys.readouterr().out) == [DIFFERENT]


def test_a_service_that_refuses_or_is_away_is_status_2(
    command: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command({}, "nope")[0] == 2
    assert "no such collection" in capsys.readouterr().err
    monkeypatch.setattr(workspace, "outputs", lambda _: OUTPUTS)
    away = argparse.Namespace(stack="test", collection=None, repair=False, wait=0, json=False)
    assert replicas.run(away) == 2
    assert "make status" in capsys.readouterr().err


OUTPUTS = {"ports": {"collections/http": 1}, "secrets": {"interServiceSecret": "token"}}


def test_a_stack_that_is_down_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "outputs", lambda _: {})
    with pytest.raises(workspace.WorkspaceError, match="is not up"):
        replicas.run(argparse.Namespace(stack="test"))
