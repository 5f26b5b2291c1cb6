"""What is skipped says why, and what a killed run left is removed: with an engine that is none."""

import os
import subprocess
import sys
from typing import Any

import docker
import pytest
from docker.errors import DockerException, ImageNotFound

from tests.integration.containers import parts
from tests.integration.containers.parts import LABEL, image_of, open_engine, remove_left_overs


class Thing:
    """A container or a network."""

    def __init__(self, pid: int) -> None:
        self.labels = {LABEL: str(pid)}
        self.attrs = {"Labels": self.labels}
        self.removed = False

    def remove(self, **_: object) -> None:
        self.removed = True


class Engine:
    """What these tests use of Docker's client."""

    def __init__(self, *things: Thing, url: str = parts.LOCAL, images: tuple[str, ...] = ()) -> None:
        self.things, self.found = things, images
        self.containers = self.networks = self.images = self.api = self
        self.base_url = url

    def list(self, **_: object) -> list[Thing]:
        return [*self.things]

    def get(self, image: str) -> str:
        if image not in self.found:
            raise ImageNotFound(image)
        return image

    def close(self) -> None:
        pass


def skipped(monkeypatch: pytest.MonkeyPatch, from_env: Any) -> str:
    monkeypatch.setattr(docker, "from_env", from_env)
    with pytest.raises(pytest.skip.Exception) as skip:
        open_engine()
    return str(skip.value)


def test_without_an_engine_that_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: object) -> None:
        raise DockerException("connection refused")

    assert skipped(monkeypatch, refused) == "no Docker engine answers on this machine"


def test_an_engine_elsewhere_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    far = Engine(url="http://gpu-1:2375")
    assert skipped(monkeypatch, lambda **_: far) == "the Docker engine of DOCKER_HOST is not on this machine"


def test_without_its_image_a_part_says_how_to_get_it() -> None:
    image = "docker.io/library/redis:8.2"
    with pytest.raises(pytest.skip.Exception) as skip:
        image_of(Engine(), "redis")
    assert str(skip.value) == f"the Docker engine lacks the image {image}; get it with: docker pull {image}"
    assert image_of(Engine(images=(image,)), "redis") == image


def test_what_a_killed_run_left_is_removed_and_what_another_run_uses_is_not() -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    orphan, used = Thing(int(gone.stdout)), Thing(os.getpid())
    remove_left_overs(Engine(orphan, used))
    assert (orphan.removed, used.removed) == (True, False)
