"""The runbooks' words, without a stack: tests/runbooks runs them."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from infra import cli
from infra.settings import PROJECT_ROOT
from tests.runbook import FOLDER, PAGES, Block, RunbookError, parse, read, run

MAKEFILE = (PROJECT_ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
SETTINGS = set(yaml.safe_load((PROJECT_ROOT / "Pulumi.yaml").read_text())["config"])
DOCKER = {"ps", "run", "logs", "stop", "start", "restart", "rm", "volume", "images", "inspect"}
PULUMI = {"config", "preview", "up", "refresh", "stack"}
OTHERS = {"curl"}
BLOCKS = [block for page in PAGES for block in read(page)]
EXAMPLE = """\
Look:

```sh
echo one
```

```text
o...
```

```sh fails
false
```
"""


def words(block: Block) -> Iterator[list[str]]:
    """The words of each line of a block."""
    for line in block.commands.replace("\\\n", " ").splitlines():
        if line.strip():
            yield shlex.split(line, comments=True)


def wrong(command: list[str]) -> str:
    """What is wrong with a line for a target that is not here, if anything."""
    program, *rest = command
    plain = [word for word in rest if not word.startswith("-")]
    if program == "make":
        unknown = [
            word for word in plain if word.partition("=")[0] not in TARGETS and f"$({_name(word)})" not in MAKEFILE
        ]
        return f"no make target or variable: {unknown}" if unknown else ""
    if program == "docker":
        return "" if plain[0] in DOCKER else f"docker {plain[0]} is not among {DOCKER}"
    if program == "pulumi":
        return "" if plain[0] in PULUMI else f"pulumi {plain[0]} is not among {PULUMI}"
    return "" if program in OTHERS else f"{program} is not among {OTHERS}"


def _name(word: str) -> str:
    return word.partition("=")[0] if "=" in word else "?"


def test_there_are_runbooks_and_their_index_names_each() -> None:
    assert len(PAGES) >= 6
    index = (FOLDER / "README.md").read_text()
    assert [page.name for page in PAGES if f"({page.name})" not in index] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_no_block_of_a_page_is_left_out(page: Path) -> None:
    text = page.read_text()
    assert len(re.findall(r"^\s*```sh", text, re.MULTILINE)) == len(read(page)) > 0


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_commands_are_bash_and_name_make_targets_variables_and_settings_that_exist(block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.commands, text=True, check=True)
    for target in re.findall(r"\bmake (?:-s )?([a-z-]+)", block.commands):
        assert target in TARGETS
    for name in re.findall(r"\bmake .*?([A-Z]+)=", block.commands):
        assert f"$({name})" in MAKEFILE
    for name in re.findall(r"pulumi config (?:set|rm) (?:--stack \w+ )?(?:--path )?'?(\w+)", block.commands):
        assert name in SETTINGS


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.mark == "docker"], ids=str)
def test_commands_for_docker_are_among_those_known(block: Block) -> None:
    assert [said for command in words(block) if (said := wrong(command))] == []
    assert block.expected is None, "nothing compares it"


def test_what_make_hands_to_breakwater_is_understood_by_it() -> None:
    for block in BLOCKS:
        for target, quoted, plain in re.findall(r'make (cluster|schema)\b.*DO=(?:"([^"]*)"|(\S+))', block.commands):
            cli.parser([target]).parse_args([target, *(quoted or plain).split()])


def test_a_page_is_read_with_what_its_commands_print() -> None:
    first, second = parse("page.md", EXAMPLE)
    assert (str(first), first.mark, first.commands, first.expected) == ("page.md:3", "", "echo one\n", "o...\n")
    assert (str(second), second.mark, second.expected) == ("page.md:11", "fails", None)
    assert first.prints("one\n")
    assert not first.prints("two\n")


@pytest.mark.parametrize(
    "text", ["```sh later\nx\n```", "```console\n$ x\n```", "```text\nx\n```", "```sh\nx\n", "```\n```"]
)
def test_a_block_of_another_kind_is_refused_not_skipped(text: str) -> None:
    with pytest.raises(RunbookError, match=r"page\.md:1: "):
        parse("page.md", text)


def test_the_blocks_of_a_page_are_one_shell_and_the_first_that_fails_ends_it(tmp_path: Path) -> None:
    page = "```sh\nname=x\n```\n```sh docker\nno\n```\n```sh\necho $name; false; echo y\n```\n```sh\necho z\n```"
    assert run(parse("page.md", page), folder=tmp_path, seconds=10) == (1, {0: "", 1: "", 2: "x\n"})


def test_a_block_that_is_to_fail_fails_the_page_where_it_does_not(tmp_path: Path) -> None:
    page = "```sh fails\n{}\n```\n```sh\necho on\n```"
    assert run(parse("page.md", page.format("false")), folder=tmp_path, seconds=10) == (0, {0: "", 1: "on\n"})
    assert run(parse("page.md", page.format("true")), folder=tmp_path, seconds=10)[0] == 1
