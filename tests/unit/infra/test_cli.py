import argparse
from importlib import import_module

import pytest

from infra import cli
from infra.settings import PROJECT_ROOT, SettingsError


def names(parser: argparse.ArgumentParser) -> set[str]:
    return {name for action in parser._actions for name in action.choices or ()}


def test_a_command_is_looked_up_alone_and_all_of_them_where_none_is_named() -> None:
    assert names(cli.parser(["token", "--hours", "1"])) == {"token"}
    assert names(cli.parser(["--help"])) == names(cli.parser()) == set(cli.COMMANDS)


def test_every_module_of_a_command_is_one() -> None:
    modules = {path.stem for path in (PROJECT_ROOT / "infra/commands").glob("[a-z]*.py")}
    assert modules == set(cli.COMMANDS)


@pytest.mark.parametrize(("name", "module"), cli.EXPECTED.items())
def test_every_expected_error_is_where_it_is_said_to_be(name: str, module: str) -> None:
    assert cli.is_expected(getattr(import_module(module), name)("words"))


def test_an_expected_error_is_its_words_and_another_one_is_not() -> None:
    class WrongError(SettingsError):
        """A kind of an expected one."""

    assert cli.is_expected(WrongError("x"))
    assert not cli.is_expected(ValueError("x"))
