"""A stack of the local target that was deployed: what is wanted of it, what there is, and how it is put right."""

import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psutil

from infra.drift.drift import Found
from infra.manifest import Manifest
from infra.probes.redis import settings_of
from infra.targets.local import supervisor
from infra.targets.local.files import write
from infra.targets.local.found import found
from infra.targets.local.manifest import wanted
from infra.targets.local.programs import Program, Stack, program, proxies
from infra.targets.local.resources import run_job, start_process
from infra.targets.running import State, deployed
from infra.targets.secret_resource import secret_state
from infra.targets.services import Secrets

RESOURCE = "pulumi-python:dynamic/local:"


@dataclass(frozen=True)
class LocalStack:
    """The stack, with its state as Pulumi has it."""

    stack: Stack
    state: State

    @cached_property
    def wanted(self) -> Manifest:
        return wanted(self.stack.topology, self.stack.settings)

    @cached_property
    def deployed(self) -> Manifest:
        return deployed(self.state) or self.wanted

    @cached_property
    def secrets(self) -> Secrets:
        return {name: secret_state(properties).accepted for name, properties in self._of("Secret").items()}

    @property
    def gateway_files(self) -> Mapping[str, str]:
        runs = self._program("kong")
        return runs.files(self.secrets) | runs.live_files(self.secrets)

    @property
    def envoy(self) -> bool:
        return self._program("kong").implementation.name == "envoy"

    @property
    def proxies(self) -> Sequence[Mapping[str, Any]]:
        return proxies(self.stack) if self.stack.settings.chaos else []

    @property
    def redis_settings(self) -> Mapping[str, str]:
        return settings_of(self._program("redis").command)

    @property
    def near(self) -> bool:
        return True

    def is_up(self) -> bool:
        return supervisor.is_running(self.stack.paths)

    def found(self) -> Found:
        deployed = self._of("Process") | self._of("Job")
        return found(self.stack, self.wanted, self.deployed, self.secrets, deployed)

    def remove(self, component: str, _name: str) -> None:
        supervisor.remove(self.stack.paths, component)
        shutil.rmtree(self.stack.paths.run(component), ignore_errors=True)

    def resume(self, component: str) -> None:
        pid = supervisor.pids(self.stack.paths).get(component)
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)] if pid else []:
            process.send_signal(signal.SIGCONT)

    def redo(self, component: str) -> None:
        jobs = self._of("Job")
        if component in jobs:
            run_job(dict(jobs[component]))
        else:
            start_process(dict(self._of("Process")[component]))

    def rewrite(self, component: str) -> None:
        runs = self._program(component)
        files = runs.live_files(self.secrets)
        if component == "kong":  # Envoy also reads again what would otherwise take a restart, but for its bootstrap
            files |= {name: text for name, text in runs.files(self.secrets).items() if name != "bootstrap.json"}
        write(self.stack.paths.run(component), files)

    def _program(self, component: str) -> Program:
        return program(self.stack, self.stack.topology.component(component))

    def _of(self, kind: str) -> dict[str, Mapping[str, Any]]:
        return {name: properties for (of, name), properties in self.state.items() if of == RESOURCE + kind}
