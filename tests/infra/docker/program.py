"""The whole Pulumi program of the docker target under mocks: every resource that it registers, with its options.

`python -m tests.infra.docker.program` writes the golden files anew; look at what changed before you commit it.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pulumi
import yaml
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from pulumi.runtime import mocks, rpc

from infra.settings import PROJECT_ROOT, DefaultConfig, Settings, read_settings
from infra.targets.deployment import deploy

GOLDEN = Path(__file__).parent / "golden"
STACKS: Mapping[str, Mapping[str, Any]] = {
    "production": {"chaos": False, "gpu": "all", "generationModel": "llama3.2"},
    "chaos": {"chaos": True, "gpu": "none", "portOffset": 100, "generationModel": "llama3.2"},
}
"""Two stacks of one engine."""
ROLLOUT: Mapping[str, Any] = {
    "candidate": "0.2.0-0a1b2c3d",
    "candidateWeights": ["ingestion=0", "query=10", "collections=50", "rag-service=100"],
}
"""What one of them has in the middle of a rollout."""
LONG = 40  # lines; of a longer text only the beginning is in a golden file
_SECRET, _SECRET_IS = rpc._special_sig_key, rpc._special_secret_sig  # how Pulumi marks a secret value


@dataclass(frozen=True)
class Registered:
    """A resource as the program registers it. A secret value is `{"secret": value}`."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    options: dict[str, Any]
    after: frozenset[str]  # the names of the resources that it depends on in any way
    told: Mapping[str, frozenset[str]]  # for each input those of which it has a property


@dataclass
class Recorder(mocks.MockMonitor):
    """Answers as an engine would, and keeps what it is asked."""

    generation: str = "1"  # what the names that the engine makes end with
    build: str = ""  # what the identifiers of the project's own images end with
    registered: list[Registered] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(_Answers(self))

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            self.registered.append(_registered(answer.urn, request))
        return answer


@dataclass
class _Answers(mocks.Mocks):
    recorder: Recorder

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        made: dict[str, Any] = {}
        if args.typ.endswith(":Secret"):
            made = {"value": {_SECRET: _SECRET_IS, "value": f"<{args.name}>"}, "other": "", "phase": "steady"}
        elif args.typ.endswith(":Container"):
            made = {"name": f"{args.name}-{self.recorder.generation}"}
        elif args.typ.endswith(":RemoteImage"):
            made = {"imageId": f"sha256:<{args.name}>" + self.recorder.build * args.name.startswith("breakwater/")}
        return f"{args.name}-id", {**args.inputs, **made}

    def call(self, _args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


def registered(settings: Settings, *, generation: str = "1", build: str = "") -> dict[str, Registered]:
    """Every resource of a stack with these settings, by its name.

    In a thread and with event loops of its own: Pulumi makes one for each of its threads and closes none.
    """
    loops: list[asyncio.AbstractEventLoop] = []
    policy = asyncio.get_event_loop_policy()
    make = policy.new_event_loop

    def make_and_note() -> asyncio.AbstractEventLoop:
        loops.append(make())
        return loops[-1]

    with patch.object(policy, "new_event_loop", make_and_note), ThreadPoolExecutor(1) as thread:
        running = thread.submit(_run, settings, Recorder(generation, build))
    for loop in loops:
        loop.close()
    found = running.result()
    return {one.name: one for one in found}


def settings(stack: str, **changes: object) -> Settings:
    """Those of one of STACKS, with some changed."""
    return read_settings(DefaultConfig(target="docker", **{**STACKS[stack], **changes}), stack)


def golden(resources: Mapping[str, Registered]) -> str:
    """The resources as a golden file has them: in the order of their registration, what is long or varies cut out."""
    shown = [
        {
            "resource": f"{one.type} {one.name}",
            **({"options": one.options} if one.options else {}),
            **({"after": sorted(one.after)} if one.after else {}),
            "inputs": one.inputs,
        }
        for one in resources.values()
    ]
    return yaml.dump(_readable(shown), Dumper=_Dumper, sort_keys=False, width=150)


def _run(settings: Settings, recorder: Recorder) -> list[Registered]:
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(recorder.mocks, project="breakwater", stack=settings.stack, monitor=recorder)

    def run() -> pulumi.Output[dict[str, str]]:
        secrets: pulumi.Output[dict[str, str]] = deploy(settings, {})["secrets"]
        return secrets

    pulumi.runtime.test(run)()  # type: ignore[no-untyped-call]  # the SDK has no types for it
    return sorted(recorder.registered, key=lambda one: (one.type, one.name))


def _registered(urn: str, request: Any) -> Registered:
    options = {
        "deleteBeforeReplace": request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        "replaceOnChanges": list(request.replaceOnChanges),
        "ignoreChanges": list(request.ignoreChanges),
        "protect": request.protect,
        "retainOnDelete": request.retainOnDelete,
        "additionalSecretOutputs": list(request.additionalSecretOutputs),
        "provider": request.provider.split("::")[-2] if request.provider else "",
    }
    inputs = _unwrapped(MessageToDict(request.object))
    inputs.pop("__provider", None)
    return Registered(
        urn,
        request.type,
        request.name,
        inputs,
        {name: value for name, value in options.items() if value or (value is False and name == "deleteBeforeReplace")},
        frozenset(_name(urn) for urn in request.dependencies),
        {key: frozenset(map(_name, one.urns)) for key, one in request.propertyDependencies.items() if one.urns},
    )


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _unwrapped(value: Any) -> Any:
    if isinstance(value, dict):
        if _SECRET in value:
            return {"secret": _unwrapped(value["value"])}
        return {key: _unwrapped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_unwrapped(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("label") == "breakwater.spec":
            return {"label": value["label"], "value": "<digest>"}
        return {key: _readable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_readable(one) for one in value]
    if not isinstance(value, str):
        return value
    text = value.replace(str(PROJECT_ROOT), "<project>")
    lines = text.splitlines(keepends=True)
    return text if len(lines) <= LONG else "".join(lines[:8]) + "<and more>\n"


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are, and nothing by reference."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML writes a text as it is only where no line ends with a space.
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", re.sub(r" +\n", "\n", text), style=style)


_Dumper.add_representer(str, _text)


def beside(stack: str, before: Mapping[str, Registered]) -> str:
    """What a rollout adds to a stack and what it changes of it, as a golden file has them."""
    now = registered(settings(stack, **ROLLOUT))
    assert before.keys() <= now.keys(), "it takes something away"
    return golden({name: one for name, one in now.items() if one != before.get(name)})


def main(write: Callable[[Path, str], Any] = Path.write_text) -> None:
    """Write the golden files."""
    for stack in STACKS:
        resources = registered(settings(stack))
        write(GOLDEN / f"{stack}.yaml", golden(resources))
        write(GOLDEN / f"{stack}-rollout.yaml", beside(stack, resources))


if __name__ == "__main__":
    main()
