"""An image that is built for real, and a service that runs in it; only where an engine and the base image are there.

PYTHON_IMAGE in the environment names another base that the engine has, BUILD_NETWORK the network of the build.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator

import pytest

from infra.settings import PROJECT_ROOT
from infra.targets.docker.builder import Builder, ImagesError

DEFAULT = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (PROJECT_ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
START_S = 60.0
# It ends by itself should nobody be left to remove it.
COMMAND = ("timeout", "--preserve-status", "300", "python", "-m", "services.rag")


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def image() -> Iterator[str]:
    assert DEFAULT
    base = os.environ.get("PYTHON_IMAGE", DEFAULT[1])
    try:
        builder = Builder("", os.environ.get("BUILD_NETWORK"))
        builder.inspect(base)
    except ImagesError as error:
        pytest.skip(str(error))
    except subprocess.CalledProcessError:
        pytest.skip(f"the Docker engine does not have {base}; `docker pull {base}`")
    name = f"breakwater-test/rag-service:{os.getpid()}"
    builder.build("rag-service", name, {"PYTHON_IMAGE": base}, {"org.opencontainers.image.version": "test"})
    yield name
    docker("rmi", name)


@pytest.fixture
def container(image: str) -> Iterator[str]:
    hardened = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none")
    told = ("--env=INTER_SERVICE_SECRET=secret", "--env=DOCS_ROOT=/tmp", "--env=QUERY_URL=http://127.0.0.1:9")
    name = docker("run", "--detach", *hardened, *told, "--health-interval=1s", image, *COMMAND)
    yield name
    docker("rm", "--force", "--volumes", name)


def test_a_built_service_is_healthy_without_any_right_and_ends_when_asked(container: str) -> None:
    deadline = time.monotonic() + START_S
    while (state := docker("inspect", "--format", "{{.State.Health.Status}}", container)) != "healthy":
        assert time.monotonic() < deadline, f"{state}: {docker('logs', container)}"
        time.sleep(0.2)
    assert docker("exec", container, "id", "-u") == "10001"
    for tool in ("pip", "uv", "gcc"):
        with pytest.raises(subprocess.CalledProcessError):
            docker("exec", container, tool, "--version")
    with pytest.raises(subprocess.CalledProcessError):
        docker("exec", container, "python", "-c", "import ensurepip")
    docker("stop", "--time", "10", container)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", container) in {"0", "143"}
    assert "Finished server process" in docker("logs", container)
