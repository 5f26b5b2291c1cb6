"""The `docker` command as it builds, pushes, saves, loads and describes images on one engine."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.settings import PROJECT_ROOT

FROM_ENVIRONMENT = ("PIP_INDEX_URL", "PIP_TRUSTED_HOST")  # build arguments that the caller's environment may have


class ImagesError(RuntimeError):
    """An image is not built or not pushed; the message says what to do."""


class Builder:
    """Builds this project's images; raises ImagesError where there is no command or no engine that answers."""

    def __init__(self, docker_host: str, network: str | None = None) -> None:
        """For the engine at `docker_host`, or the environment's; builds reach the package index by `network`."""
        # Attestations would give an image another digest each time that it is built of the same sources.
        told = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"} | ({"DOCKER_HOST": docker_host} if docker_host else {})
        self._environment = {**os.environ, **told}
        self._network = ["--network", network] if network else []
        self._check()

    def build(self, target: str, name: str, arguments: Mapping[str, str], labels: Mapping[str, str]) -> None:
        """Build a target of the Dockerfile, showing what Docker says; raises ImagesError."""
        command = ["build", "--target", target, "--tag", name, *self._network]
        for argument in FROM_ENVIRONMENT:
            command += ["--build-arg", argument]
        for option, values in (("--build-arg", arguments), ("--label", labels)):
            for key, value in values.items():
                command += [option, f"{key}={value}"]
        self._show(f"{target} is not built; what Docker says above tells why", *command, ".")

    def push(self, name: str) -> None:
        """Push an image to the registry in its name, showing what Docker says; raises ImagesError."""
        registry = name.partition("/")[0]
        self._show(f"{name} is not pushed; `docker login {registry}` if the registry asks for it", "push", name)

    def inspect(self, name: str) -> dict[str, Any]:
        """What the engine tells of an image that it has."""
        found: dict[str, Any] = json.loads(self._ask("image", "inspect", "--format", "{{json .}}", name))
        return found

    def find(self, name: str) -> dict[str, Any] | None:
        """What the engine tells of an image; None where it does not have it."""
        try:
            return self.inspect(name)
        except subprocess.CalledProcessError:
            return None

    def save(self, names: Sequence[str], file: Path) -> None:
        """Write images, with their names, to one file; raises ImagesError."""
        self._show("the images are not saved; what Docker says above tells why", "save", "--output", str(file), *names)

    def load(self, file: Path) -> None:
        """Have the engine hold the images of a file that `save` wrote; raises ImagesError."""
        self._show(f"{file} is not loaded; what Docker says above tells why", "load", "--input", str(file))

    def _check(self) -> None:
        try:
            self._ask("version", "--format", "{{.Server.Version}}")
        except FileNotFoundError:
            raise ImagesError(
                "there is no `docker` command; install Docker (Debian: apt-get install docker.io), or build on a "
                "machine that has it and push to a registry: make images REGISTRY=images.lan:5000 PUSH=1"
            ) from None
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().rpartition("\n")[2]
            raise ImagesError(
                f"no Docker engine answers ({said}); start one (systemctl start docker), or name another host's: "
                "DOCKER_HOST in the environment, or the stack's setting dockerHost"
            ) from None

    def _show(self, failure: str, *command: str) -> None:
        if subprocess.run(["docker", *command], env=self._environment, cwd=PROJECT_ROOT, check=False).returncode:
            raise ImagesError(failure)

    def _ask(self, *command: str) -> str:
        answer = subprocess.run(["docker", *command], env=self._environment, capture_output=True, text=True, check=True)
        return answer.stdout
