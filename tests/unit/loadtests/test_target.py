import pytest

from infra.own_stack import REQUESTS_A_MINUTE
from loadtests.shapes import SHAPES
from loadtests.target import CONSUMERS, TargetError, of_host


def test_a_host_is_asked_with_the_token_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t")
    target = of_host("http://127.0.0.1:8000/")
    assert (target.url, target.tokens, target.paths) == ("http://127.0.0.1:8000", ("t",), None)
    assert "'t'" not in repr(target)


def test_no_host_is_asked_without_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(TargetError, match="set TOKEN"):
        of_host("http://127.0.0.1:8000")


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://h", "http://", "http://h/path", "http://h?q=1"])
def test_what_is_no_address_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t")
    with pytest.raises(TargetError, match="is no address"):
        of_host(url)


def test_the_limits_of_the_own_stack_are_above_any_load() -> None:
    peak = max(stage.end for shape in SHAPES.values() for stage in shape.built())
    assert REQUESTS_A_MINUTE * len(CONSUMERS) > peak * 60
