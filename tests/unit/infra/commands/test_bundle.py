import argparse
import json
import os
import subprocess
from pathlib import Path

import pytest
from packaging.pylock import PackageWheel

from infra import stack_settings, wheels
from infra.bundle import BundleError, Contents, Part, Tree
from infra.commands import bundle as command
from infra.targets.docker import offline

WHEEL = "a-1-py3-none-manylinux_2_28_x86_64.whl"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one wheel and programs of its own, in a folder of its own."""
    tools = tmp_path / ".tools/bin"
    tools.mkdir(parents=True)
    for name in command.PROGRAMS:
        (tools / name).write_text("#!/bin/sh\necho v1.2.3\n")
        (tools / name).chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / WHEEL).write_text("wheel")
    found = [PackageWheel(name=WHEEL, url="https://index", size=5, hashes={"sha256": "0"})]
    monkeypatch.setattr(wheels, "locked", lambda: found)
    monkeypatch.setattr(wheels, "fetch", lambda *_: [tmp_path / WHEEL])
    monkeypatch.setattr(command, "TOOLS", tools)
    for module in (command, stack_settings):
        monkeypatch.setattr(module, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr(command, "project_tree", lambda uncommitted: Tree("t", "c" * 40, 0, uncommitted))
    return tmp_path


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stack", default="local")
    command.arguments(parser)
    return command.run(parser.parse_args(words))


def test_it_ends_with_the_commands_for_the_other_machine(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "write", lambda archive, *_, **__: (archive.touch(), "d1")[1])
    assert run("--output", str(project / "b.tar")) == 0
    shown = capsys.readouterr().out
    assert f'echo "d1  b.tar" | sha256sum --check\n  tar -xf b.tar && cd breakwater-0.1.0-local-{"c" * 9}\n' in shown
    assert shown.endswith("make up OFFLINE=1\n")
    assert "glibc 2.28 or newer" in shown


def test_programs_come_from_here_then_from_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = project / "path"
    elsewhere.mkdir()
    for name in ("pulumi", "other"):
        (elsewhere / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{elsewhere}{os.pathsep}{os.environ['PATH']}")
    assert command.program("pulumi") == project / ".tools/bin/pulumi"
    assert command.program("other") == elsewhere / "other"


def test_a_program_that_is_nowhere_is_named_with_what_gets_it(project: Path) -> None:
    with pytest.raises(BundleError, match="no toxiproxy-cli to put in; `make tools` builds"):
        command.program("toxiproxy-cli")


def test_a_stacks_settings_are_put_in_unless_they_hold_secrets(project: Path) -> None:
    file = project / "Pulumi.second.yaml"
    assert command._settings_file("second") == []
    file.write_text(json.dumps({"config": {"breakwater:portOffset": 1000}}))
    assert command._settings_file("second") == [file]
    file.write_text("config:\n  breakwater:key:\n    secure: abc\n")
    with pytest.raises(BundleError, match=r"Pulumi.second.yaml has secrets.*pulumi config rm KEY -s second"):
        command._settings_file("second")


def test_settings_that_git_has_come_with_the_project(project: Path) -> None:
    (project / "Pulumi.local.yaml").touch()
    subprocess.run(["git", "add", "Pulumi.local.yaml"], cwd=project, check=True)
    assert command._settings_file("local") == []


def test_a_stack_of_containers_brings_its_images_its_plugin_and_its_settings(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "Pulumi.gpu.yaml").write_text("config:\n  breakwater:target: docker\n")
    monkeypatch.setattr(command, "plugin", lambda name, _: project / f".tools/bin/{name}")
    (project / ".tools/bin/docker").touch()
    images = {"breakwater/query:1": {"id": "sha256:1"}}
    monkeypatch.setattr(offline, "save", lambda _, file: (file.touch(), images)[1])
    written: list[tuple[Contents, set[str], list[Path]]] = []

    def write(archive: Path, contents: Contents, parts: list[Part], *, settings: list[Path], **_: object) -> str:
        archive.touch()
        written.append((contents, {part.name for part in parts}, settings))
        return "d1"

    monkeypatch.setattr(command, "write", write)
    assert run("--stack", "gpu", "--output", str(project / "b.tar")) == 0
    ((contents, parts, settings),) = written
    assert {"bin/pulumi-resource-docker", "images.tar"} <= parts
    assert settings == [project / "Pulumi.gpu.yaml"]
    assert (contents.target, contents.images) == ("docker", images)
