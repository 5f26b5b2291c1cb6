"""The stack that is checked, known by its outputs alone."""

from collections.abc import Callable, Mapping
from functools import cached_property
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from conformance.check import ConformanceError, NonconformingError, NotApplicableError
from conformance.http import TIMEOUT_S, Answer, ask
from infra.gateway.tokens import mint, secret_name
from infra.manifest import Manifest, from_json
from infra.topology import Component, topology

KEYS = ("gateway", "ports", "consumers", "secrets", "target", "manifest")
"""The outputs that every target gives."""

LOOPBACK = "127.0.0.1"
LONGEST_WAIT_S = 65.0  # for the gateway's budget; Kong counts by the minute
POLL_S = 0.1  # at first, then ever more slowly: each look is a request of the consumer's
SLOWEST_POLL_S = 2.0


def _silent(_: str) -> None:
    """For whoever wants no words on what takes its time."""


class Stack:
    """A running stack. `name` is the Pulumi stack's, empty where only its outputs are known."""

    def __init__(self, outputs: Mapping[str, Any], *, name: str = "", say: Callable[[str], None] = _silent) -> None:
        """From a stack's outputs with secrets in clear; raises ConformanceError where they are not such."""
        if missing := [key for key in KEYS if key not in outputs]:
            raise ConformanceError(f"the outputs lack {', '.join(missing)}; is the stack up?")
        self.outputs, self.name, self.say = outputs, name, say
        self.gateway = str(outputs["gateway"])
        self.ports: dict[str, int] = dict(outputs["ports"])
        self.consumers: list[str] = list(outputs["consumers"])
        self.secrets: dict[str, str] = dict(outputs["secrets"])
        try:
            self.manifest: Manifest = from_json(outputs["manifest"])
        except ValidationError as error:
            raise ConformanceError(f"the output `manifest` cannot be read: {error}") from None

    @property
    def host(self) -> str:
        """Where the stack's machine is reached."""
        return urlsplit(self.gateway).hostname or LOOPBACK

    @property
    def is_here(self) -> bool:
        """Whether the stack runs on this machine."""
        return self.host in {LOOPBACK, "localhost"}

    @cached_property
    def designed(self) -> dict[str, Component]:
        """The components that the stack has, as the topology describes them."""
        known = topology(observability=True).by_name
        return {one.component: known[one.component] for one in self.manifest.components if one.component in known}

    def url(self, component: str, port: str = "http") -> str:
        """Where a component's port is published; raises NotApplicableError where it is not, or not for this machine."""
        name = f"{component}/{port}"
        if name not in self.ports:
            raise NotApplicableError(f"{name} is not published")
        if not self.is_here:
            raise NotApplicableError(f"{name} is published for {self.host} itself; run the checks there")
        return f"http://{LOOPBACK}:{self.ports[name]}"

    def variable(self, component: str, name: str) -> str | None:
        """A variable in a component's environment, as the manifest has it."""
        deployed = self.manifest.component(component)
        return deployed.environment.get(name) if deployed else None

    @property
    def legacy_routes(self) -> bool:
        """Whether the older paths are to be answered."""
        return self.variable("query", "LEGACY_ROUTES") != "false"

    def token(self, consumer: str = "") -> str:
        """A token of the consumer, by default the first."""
        speaker = consumer or self.consumers[0]
        return mint(speaker, self.secrets[secret_name(speaker)])

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        consumer: str = "",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """What the gateway answers to a consumer, by default the first, who waits until it may ask.

        Raises ConformanceError where that would take minutes.
        """
        given = {"Authorization": f"Bearer {self.token(consumer)}", **(headers or {})}
        while (answer := ask(self.gateway, method, path, headers=given, body=body, timeout_s=timeout_s)).status == 429:
            wait_s = float(answer.header("Retry-After"))
            if wait_s > LONGEST_WAIT_S:
                raise ConformanceError(
                    f"{consumer or self.consumers[0]} has used up its requests of this hour; "
                    f"repeat this in {wait_s:g} s, or raise rateLimitHour"
                )
            self.say(f"waiting {wait_s:g} s for the gateway's budget")
            sleep(wait_s)
        return answer

    def until(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until something holds; raises NonconformingError after `seconds` with `what` it waited for."""
        deadline, pause_s = monotonic() + seconds, POLL_S
        while problem := _problem(holds):
            if monotonic() > deadline:
                raise NonconformingError(f"not within {seconds:g} s: {what}; {problem}")
            sleep(pause_s)
            pause_s = min(1.3 * pause_s, SLOWEST_POLL_S)


def _problem(holds: Callable[[], bool]) -> str:
    try:
        return "" if holds() else "not yet so"
    except NonconformingError as error:  # such as no answer while a component starts
        return str(error)
