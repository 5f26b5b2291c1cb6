"""Secrets change while they are in use."""

import asyncio
import sys

import pytest

from chaos.experiment import Experiment, experiment
from chaos.load import always, distinct, mixed
from chaos.operations import OPERATIONS
from chaos.questions import QUESTIONS
from chaos.record import GOOD
from infra.settings import PROJECT_ROOT

ROTATION_S = 150.0  # two deployments by Pulumi, and the looks between them; 20 s on two idle cores


@pytest.mark.full
@experiment("service-auth", "no-downtime")
async def test_the_services_secret_rotates_under_load(e: Experiment) -> None:
    """The secret between the services changes under load: no request fails, and the old one is refused afterwards."""
    sources = {
        "rag-search": distinct(OPERATIONS["rag-search"], QUESTIONS, run=f"{e.unique}-rotation"),
        "reindex": always(OPERATIONS["reindex"], collection="inbox"),
    }
    old = e.stack.service_token
    async with e.load(mixed({"rag-search": 9, "reindex": 1}, sources, seed=e.suite.run.seed), rate=10):
        await e.lasts(0.5)
        rotation = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.cli", "rotate", "--stack", e.stack.name),
            cwd=PROJECT_ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(ROTATION_S):
                said, _ = await rotation.communicate()
        finally:
            if rotation.returncode is None:
                rotation.kill()
        await e.lasts(0.5)
    failed = [request for request in e.requests if request.outcome not in GOOD]
    statuses = {}
    for name, token in {"old": old, "new": e.stack.service_token}.items():
        url = e.stack.url("query") + "/internal/breakers"
        async with e.session.get(url, headers={"X-Service-Token": token}) as answer:
            statuses[name] = answer.status
    e.expect("rotated", rotation.returncode == 0, said.decode(errors="replace")[-300:])
    e.expect("none-fails", not failed and len(e.requests) > 20, f"{len(failed)} of {len(e.requests)} requests failed")
    e.expect("old-refused", statuses == {"old": 403, "new": 200}, f"{statuses}")
