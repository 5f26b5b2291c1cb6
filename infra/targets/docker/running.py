"""What runs of a stack of the docker target, from the engine and by the labels alone: its state and its logs."""

import sys
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from infra import workspace
from infra.row import Row
from infra.settings import Settings
from infra.targets.docker.engine import COMPONENT_LABEL, CONTAINER, STACK_LABEL, EngineError, engine, of_stack

MIB = 1024 * 1024


def read(stack: str, docker_host: str) -> list[Row]:
    """Every container of a component, also one that has ended; raises EngineError where no engine answers."""
    with engine(docker_host) as client:
        found = of_stack(client, stack, COMPONENT_LABEL, ended=True)
        with ThreadPoolExecutor(8) as pool:  # each takes the engine a moment
            rows = list(pool.map(_row, found))
    return sorted(rows, key=lambda row: row.component)


def show_logs(stack: str, docker_host: str, component: str | None, *, lines: int, follow: bool) -> None:
    """Print the end of the components' logs, or of one alone, and go on with that if asked; raises EngineError."""
    if follow and not component:
        raise EngineError("to follow a log name its component: make logs STACK=... C=query F=1")
    with engine(docker_host) as client:
        found = of_stack(client, stack, COMPONENT_LABEL, ended=True)
        names = sorted({one.labels[COMPONENT_LABEL] for one in found})
        chosen = [one for one in found if component in {None, one.labels[COMPONENT_LABEL]}]
        if not chosen:
            raise EngineError(
                f"stack {stack} has no container of {component!r}; there are {', '.join(names) or 'none'}"
            )
        for one in sorted(chosen, key=lambda one: str(one.labels[COMPONENT_LABEL])):
            if len(chosen) > 1:
                print(f"==> {one.name} <==")  # noqa: T201 - as `tail` does
            _print(one.logs(stream=True, follow=follow, tail=lines))


def remove_forgotten(settings: Settings) -> None:
    """Remove what a killed `up` left at the engine and Pulumi does not know of; its networks could not go before."""
    known = workspace.physical_names(settings.stack, CONTAINER)
    remove_unknown(settings.stack, settings.docker_host, known)


def remove_unknown(stack: str, docker_host: str, known: Collection[str]) -> None:
    """Remove the stack's containers of other names than the `known`: an `up` that was killed had begun to make them."""
    with engine(docker_host) as client:
        for one in client.containers.list(all=True, filters={"label": f"{STACK_LABEL}={stack}"}):
            if one.name not in known:
                one.remove(v=True, force=True)


def remove_volumes(stack: str, docker_host: str) -> None:
    """Delete the stack's volumes with all that is in them."""
    with engine(docker_host) as client:
        for volume in client.volumes.list(filters={"label": f"{STACK_LABEL}={stack}"}):
            volume.remove()


def _print(chunks: Any) -> None:
    for chunk in chunks:
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def _row(container: Any) -> Row:
    state = container.attrs["State"]
    health = (state.get("Health") or {}).get("Status")
    running = state["Status"] == "running"
    said = health if running and health else state["Status"]
    image, _, tag = container.attrs["Config"]["Image"].partition("@")[0].rpartition(":")
    return Row(
        component=container.labels[COMPONENT_LABEL],
        kind="container",
        implementation=image,
        version=tag,
        port=_port(container.attrs["NetworkSettings"]["Ports"].values()),
        state=said if said in {"healthy", "starting"} else f"{said}: {_last_words(state)}",
        healthy=running and health == "healthy",
        memory_mb=_memory_mb(container) if running else 0,
        restarts=container.attrs["RestartCount"],
        difference="",
    )


def _port(published: Any) -> str:
    ports: Sequence[int] = sorted({int(one["HostPort"]) for bindings in published for one in bindings or ()})
    return str(ports[0]) if ports else ""


def _last_words(state: dict[str, Any]) -> str:
    """What its last health check said, or how it ended."""
    checks = (state.get("Health") or {}).get("Log") or [{}]
    said = " ".join(str(checks[-1].get("Output", "")).split())[-200:]
    return said if state["Running"] else f"status {state['ExitCode']} {state.get('Error', '')}".strip()


def _memory_mb(container: Any) -> int:
    """What counts against its limit, without the files that the engine would drop first."""
    usage = container.stats(stream=False, one_shot=True)["memory_stats"]
    files = usage.get("stats", {})
    idle = files.get("inactive_file", files.get("total_inactive_file", 0))  # by the version of cgroups
    return int((usage.get("usage", 0) - idle) / MIB)
