"""Every command of the runbooks, on a real stack, in the order of each page."""

import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.commands import status
from infra.stack_settings import own_settings
from tests.runbook import PAGES, Block, read, run
from tests.stacks import Stack

PAGE_S = 240.0  # seconds; the longest takes a third of it on two quiet cores

pytestmark = pytest.mark.timeout(2 * PAGE_S)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_what_a_runbook_says_happens_and_the_stack_is_as_before(
    page: Path, stack: Stack, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    before = own_settings(stack.name)
    blocks = read(page)
    run_blocks(blocks, stack, tmp_path)
    assert own_settings(stack.name) == before
    assert status.unhealthy(stack.paths) == []
    for mark, count in Counter(block.mark for block in blocks).items():
        record_property(mark, count)


def run_blocks(blocks: list[Block], stack: Stack, folder: Path) -> None:
    """Run a page's blocks in one shell; fails at the first whose commands fail or print something else."""
    environment = {
        **stack.environment,
        "STACK": stack.name,
        "COLUMNS": "120",
        "CHECKOUT": str(checkout(folder)),
        "TMPDIR": str(folder),
    }
    ended, found = run(blocks, folder=folder, seconds=PAGE_S, environment=environment)
    for number, block in enumerate(blocks):
        said = found.get(number, "")
        assert number in found, f"{block} was not reached"
        assert ended == 0 or number + 1 in found, f"{block} ended with status {ended}:\n{said}"
        assert block.prints(said), f"{block} printed\n{said}\nand not\n{block.expected}"


def checkout(folder: Path) -> Path:
    """A repository with one commit, whose upstream has another one."""
    upstream, here = folder / "upstream", folder / "checkout"
    commit = "git -c user.name=test -c user.email=test@localhost commit -q --allow-empty -m"
    commands = f"""
    git init -q -b main '{upstream}' && cd '{upstream}' && {commit} 'The release that runs'
    git clone -q '{upstream}' '{here}'
    {commit} 'The next release'
    """
    isolated = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["bash", "-ec", commands], env=isolated, check=True)
    return here
