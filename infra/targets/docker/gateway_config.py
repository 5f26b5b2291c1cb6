"""The gateway's configuration: in a volume, where Kong finds it when it starts, and in force in the Kong that runs.

So a Kong that restarts by itself comes back with it, and a new one gets on without a request to its admin API; a
changed one, such as the address of a service's new container, is in force before the old container goes.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pulumi
import yaml
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from infra.gateway import KONG_FILE
from infra.gateway.kong import GATEWAY, configuration_hash
from infra.targets.docker.engine import COMPONENT_LABEL, FILES_LABEL, STACK_LABEL, engine, fill_volume, health, of_stack
from infra.targets.dynamic import Props, Provider

IN_FORCE_S = 60.0
RECOVER_S = 15.0  # for a Kong that is not healthy
ANSWER_S = 10.0
POLL_S = 0.2
LOOKS = 20  # in a row, each by a connection of its own, so that every worker has been asked


class GatewayError(RuntimeError):
    """Kong does not take the configuration; the message has its words."""


class GatewayConfigProvider(Provider):
    """Hands it out when it changes, and where the Kong that runs has another."""

    keys = ("stack", "volume", "admin", "config")

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        lost = not olds.get("inForce")
        return DiffResult(changes=lost or super().diff(id_, olds, news).changes, replaces=[])

    def create(self, props: Props) -> CreateResult:
        hand_out(props)
        return CreateResult(f"{props['stack']}/gateway", {**props, "inForce": True})

    def read(self, id_: str, props: Props) -> ReadResult:
        with engine(props["dockerHost"]) as client:
            running = bool(of_stack(client, props["stack"], COMPONENT_LABEL, GATEWAY))
        return ReadResult(
            id_, {**props, "inForce": not running or in_force(props["admin"]) == configuration_hash(props["config"])}
        )

    def update(self, _id: str, _olds: Props, news: Props) -> UpdateResult:
        hand_out(news)
        return UpdateResult({**news, "inForce": True})


class GatewayConfig(Resource, module="docker", name="GatewayConfig"):
    """Kong's declarative configuration."""

    def __init__(self, name: str, props: Props, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(GatewayConfigProvider(), name, {**props, "inForce": None}, opts)


def in_force(admin: str) -> str:
    """The digest of what the Kong at `admin` goes by; empty where it does not answer."""
    try:
        return str(_get(f"{admin}/status").get("configuration_hash", ""))
    except (OSError, ValueError):
        return ""


def post(admin: str, config: str, *, deadline_s: float = IN_FORCE_S) -> None:
    """Have the Kong at `admin` go by `config`, and wait until it does; raises GatewayError."""
    deadline, looks = time.monotonic() + deadline_s, 0
    while looks < LOOKS:
        said = _not_yet(admin, config)
        looks = 0 if said else looks + 1
        if said:
            if time.monotonic() > deadline:
                raise GatewayError(f"Kong at {admin} does not go by its configuration after {deadline_s:g} s: {said}")
            time.sleep(POLL_S)


def _not_yet(admin: str, config: str) -> str:
    """What is to come still until requests go by it, after doing the next step to it; empty if nothing is."""
    if in_force(admin) != configuration_hash(config):
        return _load(admin, config) or "it was just posted"
    return _missing(admin, _targets(config))


def hand_out(props: Props) -> None:
    """Put it into the volume and, where a Kong runs, into force; raises GatewayError, or EngineError.

    A Kong that is not healthy may lack just that, or be broken. Then it is not waited for: its own container comes next
    in an update, and a Kong that is replaced or started again finds the configuration in the volume.
    """
    with engine(props["dockerHost"]) as client:
        labels = {STACK_LABEL: props["stack"], FILES_LABEL: GATEWAY}
        fill_volume(client, props["image"], props["volume"], {KONG_FILE: props["config"]}, labels)
        # One that ends again and again is "restarting".
        running = [one for one in of_stack(client, props["stack"], COMPONENT_LABEL, GATEWAY) if one.status == "running"]
        healthy = any(health(one) == "healthy" for one in running)
    if healthy:
        post(props["admin"], props["config"])
    elif running:
        with suppress(GatewayError):
            post(props["admin"], props["config"], deadline_s=RECOVER_S)


def _load(admin: str, config: str) -> str:
    """Post it; what to wait for before another try, empty if it was taken. Raises GatewayError where it is refused."""
    body = urllib.parse.urlencode({"config": config}).encode()
    request = urllib.request.Request(f"{admin}/config?check_hash=1", body, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S):
            return ""
    except urllib.error.HTTPError as error:
        if error.code == 304:  # it has it already
            return ""
        message = _message(error.read())
        if error.code < 500 and error.code != 429:  # 429: another one is being loaded
            raise GatewayError(f"Kong at {admin} refuses the configuration: {error.code}: {message}") from None
        return f"{error.code}: {message}"
    except OSError as error:
        return str(error)


def _targets(config: str) -> Mapping[str, Mapping[str, int]]:
    """By upstream, the weights of its targets."""
    return {
        one["name"]: {t["target"]: t["weight"] for t in one["targets"]} for one in yaml.safe_load(config)["upstreams"]
    }


def _missing(admin: str, wanted: Mapping[str, Mapping[str, int]]) -> str:
    """Which targets requests do not go to yet; empty if all that have a weight are in rotation and no other one is."""
    for upstream, targets in wanted.items():
        try:
            found = _get(f"{admin}/upstreams/{upstream}/health")["data"]
        except (OSError, ValueError, KeyError) as error:
            return f"{upstream}: {error!r}"
        healthy = {one["target"] for one in found if one.get("health") in {"HEALTHY", "HEALTHCHECKS_OFF"}}
        weighted = {target for target, weight in targets.items() if weight}
        if not weighted <= healthy <= targets.keys():
            return f"{upstream} has {', '.join(sorted(healthy)) or 'nothing'} in rotation"
    return ""


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:
        return json.load(answer)


def _message(answer: bytes) -> str:
    """Kong's own words, and no part of the configuration."""
    try:
        return str(json.loads(answer)["message"])[:500]
    except (ValueError, KeyError, TypeError):
        return "no reason given"
