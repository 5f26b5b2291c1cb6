"""A Docker engine in memory: what jobs, gates and the gateway's configuration ask of the SDK."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests


@dataclass
class Container:
    """Ends with `status`, or not at all for None."""

    engine: "Engine"
    image: str
    command: list[str]
    options: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    started: bool = False
    status: str = "created"
    health: list[str] = field(default_factory=list)  # at each look; the last one stays

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.options["labels"])

    @property
    def name(self) -> str:
        return str(self.options["name"])

    @property
    def attrs(self) -> dict[str, Any]:
        log = [{"Output": "old"}, {"Output": "connection\n refused\n"}]
        state = {"Running": self.status == "running", "Health": {"Status": self.health[0], "Log": log}}
        return {"State": state}

    def reload(self) -> None:
        self.health = self.health[1:] or self.health

    def put_archive(self, folder: str, data: bytes) -> None:
        writable = {mount["Target"]: mount["Source"] for mount in self.options["mounts"]}
        assert folder in writable, "a read-only root takes no file"
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            found = {one.name: (tar.extractfile(one) or io.BytesIO()).read().decode() for one in tar}
            assert all(one.mode == 0o444 for one in tar)
        self.files |= {f"{folder}/{name}": content for name, content in found.items()}
        if volume := writable[folder]:
            self.engine.volumes.setdefault(volume, {}).update(found)

    def start(self) -> None:
        self.started = True
        self.engine.ran.append(self)

    def wait(self, timeout: float) -> dict[str, int]:
        if self.engine.status is None:
            raise requests.ReadTimeout
        return {"StatusCode": self.engine.status}

    def logs(self, tail: int) -> bytes:
        return b"\n".join(self.engine.log[-tail:])

    def remove(self, *, v: bool, force: bool) -> None:
        assert v, "a volume without a name would stay"
        assert force, "what runs would stay"
        self.engine.there.remove(self)


@dataclass
class Engine:
    """The client and its collection of containers at once."""

    status: int | None = 0
    log: list[bytes] = field(default_factory=list)
    there: list[Container] = field(default_factory=list)
    ran: list[Container] = field(default_factory=list)
    volumes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def containers(self) -> "Engine":
        return self

    def create(self, image: str, command: list[str], **options: Any) -> Container:
        self.there.append(Container(self, image, command, options))
        return self.there[-1]

    def get(self, name: str) -> Container:
        return next(one for one in self.there if one.name == name)

    def list(
        self,
        *,
        all: bool,  # noqa: A002 - the SDK's name
        filters: dict[str, Any],
    ) -> list[Container]:
        def fits(one: Container) -> bool:
            labels = {f"{key}={value}" for key, value in one.options["labels"].items()} | set(one.options["labels"])
            return labels.issuperset(filters["label"]) and (all or one.started)

        return [one for one in self.there if fits(one)]

    @contextmanager
    def connected(self, _docker_host: str) -> Iterator["Engine"]:
        yield self


def outs(result: Any) -> dict[str, Any]:
    """What a resource has after it was made, read or changed."""
    return dict(result.outs)
