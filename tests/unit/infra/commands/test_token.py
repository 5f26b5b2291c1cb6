import argparse

import jwt
import pytest

from infra import workspace
from infra.commands import token
from infra.gateway.tokens import TokenError

OUTPUTS = {
    "gateway": "http://127.0.0.1:8000",
    "consumers": ["app", "reporting"],
    "secrets": {"jwtSecret-app": "a" * 40, "jwtSecret-reporting": "r" * 40},
}


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stack", default="local")
    token.arguments(parser)
    return token.run(parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "consumer", "secret"), [((), "app", "a"), (("--consumer", "reporting"), "reporting", "r")]
)
def test_a_consumers_token_alone_is_printed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    consumer: str,
    secret: str,
) -> None:
    monkeypatch.setattr(workspace, "outputs", lambda _: OUTPUTS)
    assert run("--hours", "2", *words) == 0
    claims = jwt.decode(capsys.readouterr().out.strip(), secret * 40, ["HS256"])
    assert claims["sub"] == consumer
    assert claims["exp"] - claims["iat"] == 7200


def test_an_unknown_consumer_is_refused_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "outputs", lambda _: OUTPUTS)
    with pytest.raises(TokenError, match="'nobody'; there are app, reporting"):
        run("--consumer", "nobody")


def test_of_a_stack_that_is_down_there_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "outputs", lambda _: {})
    with pytest.raises(workspace.WorkspaceError, match="is not up"):
        run()
