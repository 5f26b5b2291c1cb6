"""The Pulumi CLI as this project uses it: state in files, encrypted secrets, its own tools first on PATH.

`environment` is what `make env` prints; everything that runs Pulumi here runs it with exactly that.
"""

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from infra.settings import PROJECT_ROOT
from infra.stack_settings import stack_settings
from infra.targets.local.paths import data_directory

TOOLS = PROJECT_ROOT / ".tools" / "bin"


class WorkspaceError(RuntimeError):
    """Pulumi cannot do as asked; the message says what to do."""


def environment() -> dict[str, str]:
    """The variables that prepare a shell for `pulumi`; makes the state's folder and passphrase at first use."""
    data = data_directory()
    state = data / "state"
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    passphrase = data / "passphrase"
    if not passphrase.exists():
        passphrase.touch(mode=0o600)
        passphrase.write_text(secrets.token_urlsafe(32))
    programs = (str(Path(sys.executable).parent), str(TOOLS))
    path = [p for p in os.environ["PATH"].split(os.pathsep) if p not in programs]
    return {
        "PATH": os.pathsep.join((*programs, *path)),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
        # The salt of the passphrase is this machine's; it stays in the state, see `_without_salt`.
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_HOME": str(pulumi_home()),
        "PULUMI_PYTHON_CMD": sys.executable,
        # A plugin that a target needs is installed before; looking for one takes seconds where there is no network.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Pulumi has pip list what is installed, and pip would ask pypi.org for its own version.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def pulumi_home() -> Path:
    """Where Pulumi has its plugins."""
    return Path(os.environ.get("PULUMI_HOME") or data_directory() / "pulumi")


def pulumi(*arguments: str) -> int:
    """Run the Pulumi CLI with its output shown; returns its exit status."""
    try:
        return subprocess.run(["pulumi", *arguments], env=_environment(), cwd=PROJECT_ROOT, check=False).returncode
    except FileNotFoundError:
        raise WorkspaceError("there is no `pulumi`; `make tools` builds it") from None


def ask_pulumi(*arguments: str, variables: Mapping[str, str] | None = None) -> str:
    """Run the Pulumi CLI and return what it prints; raises WorkspaceError with its message.

    Args:
        variables: what its environment has besides.
    """
    command = ["pulumi", *arguments, "--non-interactive"]
    try:
        answer = subprocess.run(
            command,
            env=_environment() | dict(variables or {}),
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise WorkspaceError("there is no `pulumi`; `make tools` builds it") from None
    if answer.returncode:
        # `up` tells its diagnostics where its progress goes.
        said = answer.stderr.strip() or answer.stdout.partition("Diagnostics:")[2].strip() or answer.stdout[-1000:]
        raise WorkspaceError(f"`{' '.join(command)}` failed: {said}")
    return answer.stdout


def outputs(stack: str) -> dict[str, Any]:
    """The stack's outputs, secrets in clear; raises WorkspaceError where there is no such stack."""
    answer: dict[str, Any] = json.loads(ask_pulumi("stack", "output", "--json", "--show-secrets", "-s", stack))
    return answer


def resources(stack: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The outputs of each resource in the stack's state, by its type and name, secrets in clear.

    Raises WorkspaceError where there is no such stack.
    """
    return {
        (resource["type"], resource["urn"].rpartition("::")[2]): _clear(resource.get("outputs", {}))
        for resource in _state(stack)
        if not resource.get("delete")  # one that was replaced and is still to go
    }


def physical_names(stack: str, kind: str) -> set[str]:
    """What the stack's resources of a type are called where they are, also those that are still to go."""
    return {resource["outputs"]["name"] for resource in _state(stack) if resource["type"] == kind}


def _state(stack: str) -> list[dict[str, Any]]:
    state = json.loads(ask_pulumi("stack", "export", "--show-secrets", "-s", stack))
    found: list[dict[str, Any]] = state["deployment"].get("resources", [])
    return found


def _clear(value: Any) -> Any:
    """A value of an exported state; a secret one is wrapped, and JSON of its own."""
    if isinstance(value, dict):
        if "plaintext" in value:
            return json.loads(value["plaintext"])
        return {key: _clear(inner) for key, inner in value.items()}
    return value


@contextmanager
def stack(name: str, *, port_offset: int | None = None, patience_s: float = 0) -> Iterator[None]:
    """Have `name` exist and be the selected stack, unlocked if whoever locked it is dead, with the plugin it needs.

    Waits `patience_s` for another pulumi that changes it at this moment; raises WorkspaceError where it goes on.
    """
    config = PROJECT_ROOT / f"Pulumi.{name}.yaml"
    with _without_salt(config):
        ask_pulumi("stack", "select", "--create", name)
        if port_offset is not None:
            ask_pulumi("config", "set", "portOffset", str(port_offset), "-s", name)
        _clear_killed(name, patience_s)
        if stack_settings(name).target == "docker":
            install_plugin("docker", metadata.version("pulumi-docker"))
        yield


def plugin(name: str, version: str) -> Path:
    """The program of Pulumi's resource plugin; installed if it is not yet. Raises WorkspaceError."""
    install_plugin(name, version)
    return pulumi_home() / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"


def install_plugin(name: str, version: str) -> None:
    """Have Pulumi's resource plugin be there in that version, out of the bundle where this project came in one.

    Raises WorkspaceError with how to get it offline.
    """
    wanted = {"name": name, "kind": "resource", "version": version}
    if any(plugin.items() >= wanted.items() for plugin in json.loads(ask_pulumi("plugin", "ls", "--json"))):
        return
    bundled = TOOLS / f"pulumi-resource-{name}"
    try:
        ask_pulumi("plugin", "install", "resource", name, version, *(["--file", str(bundled)] * bundled.exists()))
    except WorkspaceError as error:
        file = f"pulumi-resource-{name}-v{version}-linux-amd64.tar.gz"
        raise WorkspaceError(
            f"Pulumi's plugin {name} {version} cannot be installed from here ({error}). Where there is a network, "
            f"download {file} from https://github.com/pulumi/pulumi-{name}/releases/tag/v{version}; then here: "
            f'eval "$(breakwater env)" && pulumi plugin install resource {name} {version} --file {file}'
        ) from None


def exists(name: str) -> bool:
    """True if the stack `name` has been made in this data directory."""
    return (data_directory() / "state/.pulumi/stacks/breakwater" / f"{name}.json").exists()


def _environment() -> dict[str, str]:
    return {**os.environ, **environment()}


def _clear_killed(name: str, patience_s: float = 0) -> None:
    """Remove what killed Pulumi processes left: their locks, which the file backend leaves to a person, and plugins."""
    locks = data_directory() / "state/.pulumi/locks/organization/breakwater" / name
    for lock in locks.glob("*.json"):
        holder = json.loads(lock.read_text() or "{}").get("pid", 0)
        if _is_pulumi(holder) and not _ends(holder, patience_s):
            raise WorkspaceError(f"stack {name} is in use by another pulumi (process {holder}); wait for it")
        lock.unlink(missing_ok=True)
    end_orphans(environment()["PULUMI_BACKEND_URL"])


def end_orphans(backend: str) -> None:
    """Kill the plugins, with their children, that a killed Pulumi left behind; only those that serve this state."""
    for process in psutil.process_iter(["name", "ppid", "cmdline"]):
        plugin = process.info["name"].startswith("pulumi-") or "pulumi.dynamic" in (process.info["cmdline"] or ())
        if process.info["ppid"] == 1 and plugin:
            with suppress(psutil.Error):
                if process.environ().get("PULUMI_BACKEND_URL") == backend:
                    for one in (*process.children(recursive=True), process):
                        one.kill()


def _ends(pid: int, within_s: float) -> bool:
    """Whether that Pulumi is gone in time."""
    deadline = time.monotonic() + within_s
    while _is_pulumi(pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not _is_pulumi(pid)


def _is_pulumi(pid: int) -> bool:
    """Whether the process lives and is Pulumi. A killed one may stay a zombie where nobody reaps it."""
    try:
        process = psutil.Process(pid)
        return "pulumi" in process.name() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def _without_salt(config: Path) -> Iterator[None]:
    """Take the salt that Pulumi writes into `config` out again, so that a checkout stays as it was.

    The state holds the salt too. A file with secrets of its own keeps it: they need it.
    """
    try:
        yield
    finally:
        text = config.read_text() if config.exists() else ""
        kept = re.sub(r"^encryptionsalt: .*\n", "", text, flags=re.MULTILINE)
        if kept != text and "secure:" not in text:
            config.write_text(kept)
