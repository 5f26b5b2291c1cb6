"""The Pulumi resources of the local target: the supervisor, a process, a job."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from infra.secret import asked_steps
from infra.targets.dynamic import Props, Provider, differs
from infra.targets.local import health, supervisor
from infra.targets.local.files import write
from infra.targets.local.launch import STARTS
from infra.targets.local.paths import StackPaths
from infra.targets.secret_resource import SecretProvider  # noqa: F401 - the state of older stacks looks for it here

LOG_LINES = 25
"""How much of a component's log a failed start shows."""


class StartError(RuntimeError):
    """A component did not start; the message ends with its last log lines."""


class RestartError(RuntimeError):
    """A component would have to be restarted by what must not restart any."""


class SupervisorProvider(Provider):
    """Starts and stops the daemon; one that is gone is started again."""

    keys = ("root",)

    def create(self, props: Props) -> CreateResult:
        supervisor.start(StackPaths(Path(props["root"])))
        return CreateResult(str(props["root"]), props)

    def read(self, id_: str, props: Props) -> ReadResult:
        running = supervisor.is_running(StackPaths(Path(props["root"])))
        return ReadResult(id_ if running else "", dict(props))

    def delete(self, _id: str, props: Props) -> None:
        paths = StackPaths(Path(props["root"]))
        supervisor.stop(paths)
        for rendered in ("programs", "run"):
            shutil.rmtree(paths.root / rendered, ignore_errors=True)
        paths.supervisor_config.unlink(missing_ok=True)


class Supervisor(Resource, module="local", name="Supervisor"):
    """The stack's supervisor daemon. Deleting it stops every process of the stack."""

    def __init__(self, name: str, root: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(SupervisorProvider(), name, {"root": root}, opts)


PROCESS_KEYS = (
    "component",
    "command",
    "environment",
    "files",
    "liveFiles",
    "health",
    "implementation",
    "stopSignal",
    "source",
)
TOOK = "tookSeconds"
"""The property that tells how long the last start took, for a plan's estimate of the next one."""
RESTARTING_KEYS = ("root", *(key for key in PROCESS_KEYS if key != "liveFiles"))


class ProcessProvider(Provider):
    """Hands a component to the supervisor and waits until it is healthy; new files that it reads itself suffice."""

    keys = ("root", *PROCESS_KEYS)

    def create(self, props: Props) -> CreateResult:
        return CreateResult(str(props["component"]), {**props, TOOK: start_process(props)})

    def update(self, _id: str, olds: Props, news: Props) -> UpdateResult:
        if differs(olds, news, RESTARTING_KEYS):
            if asked_steps(os.environ):  # a rotation under load
                raise RestartError(f"{news['component']} has changes that need a restart; run `make up` first")
            return UpdateResult({**news, TOOK: start_process(news)})
        paths, name = StackPaths(Path(news["root"])), str(news["component"])
        write(paths.run(name), news["liveFiles"])
        for left_over in olds.get("liveFiles", {}).keys() - news["liveFiles"].keys():
            (paths.run(name) / left_over).unlink(missing_ok=True)
        return UpdateResult({**news, TOOK: olds.get(TOOK)})

    def read(self, id_: str, props: Props) -> ReadResult:
        state = supervisor.states(StackPaths(Path(props["root"]))).get(props["component"], {})
        alive = state.get("statename") in {"STARTING", "RUNNING", "BACKOFF"}
        return ReadResult(id_ if alive else "", dict(props))

    def delete(self, _id: str, props: Props) -> None:
        paths = StackPaths(Path(props["root"]))
        supervisor.remove(paths, props["component"])
        shutil.rmtree(paths.run(props["component"]), ignore_errors=True)


def start_process(props: Props) -> float:
    """Have the supervisor run a component by these properties, in place of what ran as that; raises StartError.

    Returns the seconds until it was healthy.
    """
    paths, name, began = StackPaths(Path(props["root"])), str(props["component"]), time.monotonic()
    _prepare(paths, props)
    supervisor.start(paths)
    supervisor.put(paths, name, stop_signal=str(props["stopSignal"]))
    try:
        _wait_until_healthy(paths, name, props["health"])
    except StartError:
        supervisor.remove(paths, name)
        raise
    return round(time.monotonic() - began, 1)


def _prepare(paths: StackPaths, props: Props) -> None:
    """Write the component's specification and files."""
    name = str(props["component"])
    paths.log(name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    specification = {key: props[key] for key in PROCESS_KEYS if key not in {"files", "liveFiles"}}
    files = {**props["files"], **props["liveFiles"], "program.json": json.dumps(specification, indent=2)}
    write(paths.run(name), files)
    (paths.run(name) / STARTS).unlink(missing_ok=True)


def _wait_until_healthy(paths: StackPaths, name: str, check: Props) -> None:
    port, path, start_s = int(check["port"]), str(check["path"]), float(check["startSeconds"])
    deadline = time.monotonic() + start_s
    while problem := health.problem(str(check["kind"]), port, path):
        state = supervisor.states(paths).get(name, {}).get("statename")
        if state == "FATAL" or time.monotonic() > deadline:
            raise StartError(
                f"{name} is not healthy after {start_s:g} s: {problem}. The end of {paths.log(name)}:\n"
                f"{last_lines(paths.log(name))}"
            )
        time.sleep(0.1)


def last_lines(log: Path, count: int = LOG_LINES) -> str:
    """The last lines of a log, or a note that there is none."""
    if not log.exists():
        return "(no output)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:]) or "(no output)"


class Process(Resource, module="local", name="Process"):
    """A component that runs under the supervisor."""

    def __init__(self, name: str, props: Props, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ProcessProvider(), name, props, opts)


class JobProvider(Provider):
    """Runs a component to its end, again whenever what it is made of changes."""

    keys = ProcessProvider.keys

    def create(self, props: Props) -> CreateResult:
        run_job(props)
        return CreateResult(str(props["component"]), props)

    def update(self, _id: str, _olds: Props, news: Props) -> UpdateResult:
        run_job(news)
        return UpdateResult(news)

    def read(self, id_: str, props: Props) -> ReadResult:
        specification = StackPaths(Path(props["root"])).run(props["component"]) / "program.json"
        return ReadResult(id_ if specification.exists() else "", dict(props))

    def delete(self, _id: str, props: Props) -> None:
        shutil.rmtree(StackPaths(Path(props["root"])).run(props["component"]), ignore_errors=True)


def run_job(props: Props) -> None:
    """Run a job by these properties to its end; raises StartError."""
    paths, name = StackPaths(Path(props["root"])), str(props["component"])
    _prepare(paths, props)
    command = [*supervisor.LAUNCH, str(paths.run(name) / "program.json")]
    with paths.log(name).open("a") as log:
        try:
            ended = subprocess.run(
                command,
                env=supervisor.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=float(props["health"]["startSeconds"]),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise StartError(f"{name} is not done: {error}\n{last_lines(paths.log(name))}") from None
    if ended.returncode:
        raise StartError(f"{name} ended with status {ended.returncode}:\n{last_lines(paths.log(name))}")


class Job(Resource, module="local", name="Job"):
    """A component that runs once for each version of it."""

    def __init__(self, name: str, props: Props, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(JobProvider(), name, props, opts)
