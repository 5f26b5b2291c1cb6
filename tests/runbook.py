"""The runbooks, docs/runbooks: their commands in order, what each is to print, and a script that runs a page's.

A fenced block ```sh holds commands. The next block ```text, if there is one, is what they print: `...` stands for
anything, also for nothing, and white space counts as one space. A word after `sh` says what is special about the
commands, see MARKS.
There are no other blocks in a runbook, so none is left out by accident.
"""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from infra.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "docs" / "runbooks"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
MARKS = {
    "": "run on a stack",
    "fails": "run on a stack; the last command ends with another status than 0",
    "checkout": "run in a small repository that has a newer commit upstream",
    "docker": "not run, as it takes a Docker engine; its words are checked",
}
"""What may stand after `sh`."""
SEPARATOR = "\x1e"  # before the output of each block


class RunbookError(ValueError):
    """A runbook's page cannot be read; the message names the line."""


@dataclass(frozen=True)
class Block:
    """Commands of a page."""

    page: str
    line: int
    mark: str
    commands: str
    expected: str | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def prints(self, output: str) -> bool:
        """Whether the output is as the page says; any is where it says nothing."""
        if self.expected is None:
            return True
        parts = (re.escape(" ".join(part.split())) for part in self.expected.split("..."))
        return re.fullmatch(".*".join(parts), " ".join(output.split())) is not None


def read(path: Path) -> list[Block]:
    """The blocks of a page; raises RunbookError for a fence that is none of a runbook's."""
    return parse(path.name, path.read_text())


def parse(page: str, text: str) -> list[Block]:
    """As `read`, of a page's text."""
    blocks: list[Block] = []
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if not line.lstrip().startswith("```"):
            continue
        language, *marks = line.strip().removeprefix("```").split() or [""]
        mark, body = " ".join(marks), []
        for _, inside in lines:
            if inside.strip() == "```":
                break
            body.append(inside)
        else:
            raise RunbookError(f"{page}:{number}: the block does not end")
        content = "\n".join(body) + "\n"
        if language == "sh" and mark in MARKS:
            blocks.append(Block(page, number, mark, content))
        elif language == "text" and not mark and blocks and blocks[-1].expected is None:
            blocks[-1] = replace(blocks[-1], expected=content)
        else:
            raise RunbookError(f"{page}:{number}: a block is ```sh, with one of {', '.join(MARKS)}, or its ```text")
    return blocks


def script(blocks: Sequence[Block]) -> str:
    """A bash script of the blocks that are run, as one shell of a person. It stops at the first command that fails.

    It takes a repository for the blocks `checkout` in CHECKOUT. The shell and all that it started is killed when the
    standard input ends, so a test that is killed leaves nothing of it.
    """
    lines = ["set -eo pipefail", "exec 3<&0 </dev/null 2>&1", "{ read -r; kill -KILL -- -$$; } <&3 &>/dev/null &"]
    lines += ["exec 3<&-"]
    for number, block in enumerate(blocks):
        lines += [f"printf '{SEPARATOR}{number}\\n'", *_LINES[block.mark](block.commands.rstrip())]
    return "\n".join(lines) + "\n"


def run(
    blocks: Sequence[Block], *, folder: Path, seconds: float, environment: Mapping[str, str] | None = None
) -> tuple[int, dict[int, str]]:
    """Run a page's script in the project; returns its status and what each block printed, by the block's number."""
    printed = folder / "printed"
    command = ["bash", "-c", script(blocks)]
    with (
        printed.open("w") as output,
        subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=environment, stdin=subprocess.PIPE, stdout=output, start_new_session=True
        ) as shell,  # when the block ends its input does, and what is left of it is killed
    ):
        ended = shell.wait(seconds)
    return ended, outputs(printed.read_text())


def outputs(printed: str) -> dict[int, str]:
    """What each block of a script printed, by its number; one that was not reached is not among them."""
    parts = (part.split("\n", 1) for part in printed.split(SEPARATOR)[1:])
    return {int(number): re.sub(r"\x1b\[[0-9;]*m", "", output) for number, output in parts}


_LINES: dict[str, Callable[[str], list[str]]] = {
    "": lambda commands: [commands],
    "fails": lambda commands: [
        "set +e",
        commands,
        "ended=$?; set -e",
        'if [ "$ended" = 0 ]; then echo "This was expected to fail."; exit 1; fi',
    ],
    "checkout": lambda commands: ['pushd "$CHECKOUT" >/dev/null', commands, "popd >/dev/null"],
    "docker": lambda _: [],
}
