import io
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from docker.errors import DockerException

from infra.targets.docker import engine as module
from infra.targets.docker.engine import EngineError, archive, engine, has_gpu


class Client:
    def __init__(self, info: dict[str, Any]) -> None:
        self.told = info
        self.closed = False

    def info(self) -> dict[str, Any]:
        return self.told

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any] | Exception], Client]:
    def prepare(info: dict[str, Any] | Exception) -> Client:
        client = Client(info if isinstance(info, dict) else {})

        def connect(_docker_host: str) -> Client:
            if isinstance(info, Exception):
                raise info
            return client

        monkeypatch.setattr(module, "_client", connect)
        return client

    return prepare


@pytest.mark.parametrize(
    ("info", "gpu"),
    [
        ({"Runtimes": {"runc": {}, "nvidia": {}}}, True),
        ({"Runtimes": {"runc": {}}, "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}]}, True),
        ({"Runtimes": {"runc": {}}, "DiscoveredDevices": [{"Source": "cdi", "ID": "vendor.com/nic=0"}]}, False),
        ({"Runtimes": {"runc": {}}}, False),
        ({"Runtimes": None, "DiscoveredDevices": None}, False),
        (DockerException("no engine"), False),
    ],
)
def test_a_gpu_is_there_where_the_engine_says_that_it_can_give_one(
    answers: Callable[[dict[str, Any] | Exception], Client], info: dict[str, Any] | Exception, gpu: bool
) -> None:
    answers(info)
    assert has_gpu("") is gpu


def test_whatever_the_engine_refuses_is_said_with_its_address(
    answers: Callable[[dict[str, Any] | Exception], Client],
) -> None:
    client = answers({})
    with (
        pytest.raises(EngineError, match=r"the Docker engine \(ssh://me@gpu-1\): no such image"),
        engine("ssh://me@gpu-1"),
    ):
        raise DockerException("no such image")
    assert client.closed


def test_an_archive_is_for_its_folder_and_can_be_read_by_whatever_user_the_container_has() -> None:
    data = archive({"/etc/breakwater/a": "1", "/etc/breakwater/b/c": "ü"}, "/etc/breakwater")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {one.name: (one.mode, (tar.extractfile(one) or io.BytesIO()).read().decode()) for one in tar}
    assert found == {"a": (0o444, "1"), "b/c": (0o444, "ü")}
