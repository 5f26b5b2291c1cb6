"""What the docker target relies on, asked of a real engine; only where there is one with the services' base image.

PYTHON_IMAGE in the environment names another image that has Python and a shell.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from docker.errors import APIError

from infra.settings import PROJECT_ROOT
from infra.targets.docker.builder import Builder, ImagesError
from infra.targets.docker.engine import STACK_LABEL, archive, engine, fill_volume
from infra.targets.docker.once import FailedError, run_once

DEFAULT = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (PROJECT_ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
IMAGE = os.environ.get("PYTHON_IMAGE") or (DEFAULT[1] if DEFAULT else "")
STACK = f"test-{os.getpid()}"
FILES = {"/etc/breakwater/secret": "s"}


@pytest.fixture
def client() -> Iterator[Any]:
    try:
        Builder("").inspect(IMAGE)
    except ImagesError as error:
        pytest.skip(str(error))
    except subprocess.CalledProcessError:
        pytest.skip(f"the Docker engine does not have {IMAGE}; `docker pull {IMAGE}`")
    with engine("") as client:
        yield client
        of_it = {"label": f"{STACK_LABEL}={STACK}"}
        left = client.containers.list(all=True, filters=of_it)
        for one in left:
            one.remove(v=True, force=True)
        for kind in (client.volumes, client.networks):
            for one in kind.list(filters=of_it):
                one.remove()
    assert not left, "a container was left behind"


@pytest.fixture
def job(client: Any) -> dict[str, Any]:
    network = client.networks.create(f"breakwater-{STACK}", internal=True, labels={STACK_LABEL: STACK})
    return {
        "dockerHost": "",
        "stack": STACK,
        "name": "job",
        "image": IMAGE,
        "command": [],
        "files": FILES,
        "user": "10001:10001",
        "network": network.name,
        "tmpfs": {"/tmp": "size=1m,mode=1777"},
        "memoryMb": 64.0,
        "cpus": 0.5,
        "seconds": 60.0,
    }


def test_a_job_reads_its_files_and_can_do_nothing_else(job: dict[str, Any]) -> None:
    script = (
        'test "$(id -u) $(cat /etc/breakwater/secret)" = "10001 s" && touch /tmp/x && ! touch /x '
        "&& ! touch /etc/breakwater/x "
        "&& grep -q 'CapBnd:.0*$' /proc/self/status && grep -q 'NoNewPrivs:.1' /proc/self/status"
    )
    run_once({**job, "command": ["sh", "-c", script]})
    with pytest.raises(FailedError, match="job ended with status 3:\nlast words"):
        run_once({**job, "command": ["sh", "-c", "echo last words; exit 3"]})
    with pytest.raises(FailedError, match="job is not done after 1 s"):
        run_once({**job, "command": ["sleep", "60"], "seconds": 1})


def test_a_read_only_root_takes_files_only_from_a_container_that_never_runs(client: Any) -> None:
    """As the provider does it: everything into /. Why the holders are there."""
    options = {"labels": {STACK_LABEL: STACK}, "network_mode": "none"}
    files = archive(FILES, "/")
    reader = client.containers.create(IMAGE, ["true"], read_only=True, **options)
    with pytest.raises(APIError, match="read-only"):
        reader.put_archive("/", files)
    reader.remove(v=True)
    holder = client.containers.create(IMAGE, ["true"], volumes=["/etc/breakwater"], **options)
    holder.put_archive("/", files)
    reader = client.containers.create(
        IMAGE, ["sleep", "60"], read_only=True, user="10001", volumes_from=[f"{holder.id}:ro"], **options
    )
    reader.start()
    holder.remove(v=True)  # the files stay as long as their reader runs
    assert reader.exec_run(["cat", "/etc/breakwater/secret"]).output == b"s"
    assert reader.exec_run(["touch", "/etc/breakwater/another"]).exit_code != 0
    (mounted,) = client.containers.get(reader.id).attrs["Mounts"]
    reader.remove(v=True, force=True)
    assert mounted["Name"] not in {volume.name for volume in client.volumes.list()}


def test_a_volume_is_filled_without_anything_running(client: Any) -> None:
    volume = client.volumes.create(f"breakwater-{STACK}", labels={STACK_LABEL: STACK})
    for content in ("first", "second"):
        fill_volume(client, IMAGE, volume.name, {"kong.yml": content}, {STACK_LABEL: STACK})
        said = client.containers.run(
            IMAGE,
            ["cat", "/kong/kong.yml"],
            user="10001",
            remove=True,
            network_mode="none",
            volumes={volume.name: {"bind": "/kong", "mode": "ro"}},
        )
        assert said == content.encode()


def test_a_container_is_found_by_its_own_name_beside_the_one_that_it_shares(client: Any, job: dict[str, Any]) -> None:
    """As the provider connects it: made on the default bridge, taken off it, put into the network with an alias."""
    network = client.networks.get(job["network"])
    name = f"breakwater-{STACK}-query-1a2b3c4"
    there = client.containers.create(IMAGE, ["sleep", "60"], name=name, labels={STACK_LABEL: STACK})
    client.networks.get("bridge").disconnect(there)
    network.connect(there, aliases=["query"])
    there.start()
    look = f"from socket import gethostbyname as g; assert g({name!r}) == g('query')"
    run_once({**job, "command": ["python3", "-c", look]})
    there.remove(force=True)
