"""Load on a stack: is it as fast as it promises, and how much does it stand?

  python -m loadtests run [--shape NAME]   load a stack of its own, and judge what callers got by the SLO
  python -m loadtests list                 the shapes, and what is asked in what shares
  python -m loadtests hosts --workers N    the command lines for a load from many machines
  python -m loadtests worker --leader HOST what each of those machines runs
  python -m loadtests report FOLDER        write the report of an earlier run anew

`make load SHAPE=… RATE=… WORKERS=… UI=1 STACK=…` and `make loads` call these.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from infra import own_stack
from infra.commands import status
from infra.settings import PROJECT_ROOT
from infra.workspace import WorkspaceError
from loadtests import report
from loadtests.generator import PORT, GeneratorError, Layout, free_port, without_settings, worker_command
from loadtests.mix import OPERATIONS
from loadtests.plan import slots
from loadtests.record import Run
from loadtests.run import run as run_load
from loadtests.shapes import SHAPES, length
from loadtests.target import OWN, SETTINGS, Target, TargetError, of_host, of_stack, prime

REPORTS = PROJECT_ROOT / "reports" / "load"

RUN = """\
Load a stack and judge what its callers got by infra/observability/slo.yaml.

Without --stack or --host a stack of its own is brought up, with consumers and limits for a load, and taken down
afterwards. Requests start at their intended times, whatever became of those before, and latency counts from there. A
load that achieves less than it intends, or whose generator is short of CPU, proves nothing and is inconclusive.
The record (report.html, summary.json, seconds.csv, operations.csv, components.csv, junit.xml) goes to reports/load.

Nothing but this machine is asked, unless --host names another one. Ask only what you may load.

exit codes: 0 passed, 1 the stack failed, 2 it could not run, 3 inconclusive
"""
HOSTS = """\
Print the command lines for a load from many machines: one for the machine that leads, one for each that follows. Each
needs a checkout of this project with its packages installed (`make tools` does that). What the leading machine sends
to the others, tokens included, is not encrypted: use a network of your own.
"""


def run(parsed: argparse.Namespace) -> int:
    """Run a load and write its report; returns the exit code."""
    shape = SHAPES[parsed.shape]
    stages = shape.built(parsed.rate, parsed.seconds)
    layout = Layout(parsed.workers, parsed.remote, parsed.bind, parsed.port or free_port(), parsed.ui)
    began = datetime.now(UTC)
    identity = f"{began:%Y%m%d-%H%M%S}-{shape.name}"
    folder = REPORTS / identity
    console = Console()
    with _target(parsed, length(stages)) as target:
        made = Run(
            id=identity,
            began_at=began,
            shape=shape.name,
            stages=stages,
            target=target.name,
            url=target.url,
            slots=slots(stages),
            generators=layout.generators,
            cores=os.cpu_count() or 1,
            stack=status.implementations(target.paths) if target.paths else {},
        )
        console.print(f"{shape.name} on {target.name}, {target.url}: {shape.title}", highlight=False)
        console.print("asking for everything once, so that the cache knows it")
        prime(target, identity)
        if layout.remote:
            console.print(f"waiting for {layout.remote} machines; `python -m loadtests hosts` says what they run")
        if layout.ui is not None:
            console.print(f"Locust's page: http://127.0.0.1:{layout.ui}")
        try:
            run_load(folder, made, target, layout)
        except KeyboardInterrupt:
            console.print("ended early")
    return report.write(folder, console)


@contextmanager
def _target(parsed: argparse.Namespace, seconds: float) -> Iterator[Target]:
    if parsed.host:
        yield of_host(parsed.host)
    elif parsed.stack:
        yield of_stack(parsed.stack, seconds=seconds)
    elif parsed.keep:
        own_stack.bring_up(OWN, SETTINGS)
        yield of_stack(OWN, seconds=seconds)
    else:
        with own_stack.standing(OWN, SETTINGS):
            yield of_stack(OWN, seconds=seconds)


def show_list(_: argparse.Namespace) -> int:
    """Print the shapes and the mix."""
    console = Console(highlight=False)
    for shape in SHAPES.values():
        stages = shape.built()
        console.print(f"[bold]{shape.name}[/]  {shape.rate:g}/s, {length(stages):g} s\n  {shape.title}")
    console.print("\nWhat is asked, of ten thousand requests (a smoke asks all alike):\n")
    for operation in OPERATIONS:
        console.print(f"[bold]{operation.name}[/]  {operation.weight}\n  {operation.why}")
    return 0


def show_hosts(parsed: argparse.Namespace) -> int:
    """Print the command lines for many machines."""
    url = parsed.host or "http://GATEWAY:8000"
    leader = (
        f"--shape {parsed.shape} --host {url} --remote {parsed.workers} --bind {parsed.leader} --port {parsed.port}"
    )
    console = Console(highlight=False, soft_wrap=True)
    console.print("# on the machine that leads, with TOKEN set to a token of the gateway:", markup=False)
    console.print(f"TOKEN=… .venv/bin/python -m loadtests run {leader}", markup=False)
    for number in range(1, parsed.workers + 1):
        console.print(f"# on machine {number}:", markup=False)
        console.print(
            f".venv/bin/python -m loadtests worker --leader {parsed.leader} --port {parsed.port}", markup=False
        )
    return 0


def work(parsed: argparse.Namespace) -> int:
    """Become a worker of a load that another machine leads."""
    command = worker_command(parsed.leader, parsed.port)
    os.chdir(PROJECT_ROOT / "loadtests")  # where no file of Locust's settings lies
    os.execve(command[0], command, without_settings(os.environ))  # noqa: S606 - becoming Locust is the point


def write_report(parsed: argparse.Namespace) -> int:
    """Write a run's report anew."""
    return report.write(parsed.folder, Console())


def _options(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    def add(name: str, do: Callable[[argparse.Namespace], int], text: str, more: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(
            name, help=text, description=more or text, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        made.set_defaults(do=do)
        return made

    command = add("run", run, "load a stack and judge it", RUN)
    command.add_argument(
        "--shape", choices=SHAPES, default="smoke", help="how the rate goes over time (default: smoke)"
    )
    command.add_argument("--rate", type=float, help="requests a second (default: the shape's)")
    command.add_argument("--seconds", type=float, help="stretch or shrink the shape to this time")
    whom = command.add_mutually_exclusive_group()
    whom.add_argument("--stack", help="load this stack, which is up, instead of one of its own")
    whom.add_argument("--host", metavar="URL", help="load this gateway, with the token in the variable TOKEN")
    command.add_argument(
        "--workers", type=_count, default=0, metavar="N", help="generate with N processes (default: 1)"
    )
    command.add_argument("--remote", type=_count, default=0, metavar="N", help="and on N other machines, see `hosts`")
    command.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="where those find this machine")
    command.add_argument("--port", type=int, help=f"the port for it (default with `hosts`: {PORT})")
    command.add_argument("--ui", type=int, metavar="PORT", help="show Locust's web page there while the load lasts")
    command.add_argument("--keep", action="store_true", help="leave the own stack up, for the next load")
    add("list", show_list, "list the shapes and what is asked")
    command = add("hosts", show_hosts, "print the command lines for a load from many machines", HOSTS)
    command.add_argument("--workers", type=_count, default=2, metavar="N", help="machines that follow (default: 2)")
    command.add_argument("--leader", default="LEADER", metavar="ADDRESS", help="the address of the one that leads")
    command.add_argument("--port", type=int, default=PORT, help=f"its port (default: {PORT})")
    command.add_argument("--shape", choices=SHAPES, default="sustained")
    command.add_argument("--host", metavar="URL", help="the gateway to load")
    command = add("worker", work, "be one of the machines that follow")
    command.add_argument("--leader", required=True, metavar="ADDRESS", help="the address of the one that leads")
    command.add_argument("--port", type=int, default=PORT, help=f"its port (default: {PORT})")
    command = add("report", write_report, "write the report of an earlier run anew")
    command.add_argument("folder", type=Path, metavar="FOLDER", help="such as reports/load/20261125-021500-smoke")


def _count(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError(f"{text} is no number of them")
    return number


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtests", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _options(parser.add_subparsers(required=True, metavar="COMMAND"))
    parsed = parser.parse_args(arguments)
    try:
        code: int = parsed.do(parsed)
    except (WorkspaceError, TargetError, GeneratorError, own_stack.OwnStackError, OSError, ValueError) as error:
        sys.stderr.write(f"load: {error}\n")
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
