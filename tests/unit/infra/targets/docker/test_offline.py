import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from infra.bundle import BundleError, Contents, Machine, Tree, lock
from infra.settings import Settings
from infra.stack_settings import stack_settings
from infra.targets.docker import offline
from infra.wheels import sha256

DOCKER = """#!/bin/sh
# An engine whose images are files: their contents are the id.
cd "$ENGINE"
for last; do :; done
file=${last##*/}
echo "$*" >>asked
case $1 in
    version) ;;
    image) [ -f "$file" ] || exit 1
        read -r contents <"$file"
        echo '{"Id": "sha256:'"$STORE$contents"'", "RootFS": {"Layers": ["'"$contents"'"]}}' ;;
    save) tar -cf "$3" $(ls | grep -v asked) ;;
    load) tar -xf "$3" ;;
esac
"""


@pytest.fixture
def settings() -> Settings:
    return replace(stack_settings("local"), stack="gpu", target="docker")


@pytest.fixture
def engine(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an engine that has every image of the stack."""
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STORE", "")
    some = ("docker.io/qdrant/qdrant:v1", "breakwater/query:{0.release}", "docker.io/library/redis:8")
    monkeypatch.setattr(offline, "names", lambda settings: [name.format(settings) for name in some])
    use(tmp_path / "here", monkeypatch)
    for name in offline.names(settings):
        image(tmp_path / "here", name).write_text(f"{name}\n")
    return tmp_path / "here"


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir()
    monkeypatch.setenv("ENGINE", str(folder))
    return folder


def image(engine: Path, name: str) -> Path:
    return engine / name.rpartition("/")[2]


@pytest.fixture
def bundle(engine: Path, settings: Settings, tmp_path: Path) -> Path:
    """The lock of a bundle that this engine's images are in."""
    folder = tmp_path / "offline"
    folder.mkdir()
    images = offline.save(settings, folder / offline.IMAGES)
    tree = Tree("t", "c", 0, uncommitted=False)
    contents = Contents("gpu", "docker", "0.1.0", tree, Machine("3.11", "x86_64", "2.28"), {}, images)
    digest = sha256(folder / offline.IMAGES)
    (folder / "bundle.lock").write_text(lock(contents, {offline.IMAGES: (digest, 1)}))
    return folder / "bundle.lock"


def test_the_images_are_those_of_the_whole_stack_each_once(settings: Settings) -> None:
    names = offline.names(settings)
    assert {"breakwater/query:0.1.0", "breakwater/jobs:0.1.0"} <= set(names)
    assert any("qdrant/qdrant:" in name for name in names)
    assert len(names) == len(set(names))
    without_chaos = offline.names(replace(settings, chaos=False))
    assert [name for name in names if name not in without_chaos and "toxiproxy" in name]


def test_another_engine_gets_the_images_once(
    bundle: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = use(tmp_path / "other", monkeypatch)
    assert offline.load(settings, bundle) == offline.names(settings)
    assert image(other, "breakwater/query:0.1.0").read_text() == "breakwater/query:0.1.0\n"
    assert offline.load(settings, bundle) == []
    assert (other / "asked").read_text().count("load ") == 1


def test_an_image_that_changed_is_loaded_again(bundle: Path, engine: Path, settings: Settings) -> None:
    image(engine, "breakwater/query:0.1.0").write_text("older\n")
    assert offline.load(settings, bundle) == ["breakwater/query:0.1.0"]
    assert image(engine, "breakwater/query:0.1.0").read_text() == "breakwater/query:0.1.0\n"


def test_an_engine_that_gives_other_ids_to_the_same_layers_is_fine(
    bundle: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE", "containerd-")
    assert offline.load(settings, bundle) == offline.names(settings)


def test_an_image_that_is_not_that_of_the_lock_is_named(bundle: Path, settings: Settings) -> None:
    told = json.loads(bundle.read_text())
    told["images"]["breakwater/query:0.1.0"] = {"id": "sha256:wanted", "layers": ["wanted"]}
    bundle.write_text(json.dumps(told))
    with pytest.raises(BundleError, match=r"breakwater/query:0.1.0 in the engine .* its id should be sha256:wanted"):
        offline.load(settings, bundle)


def test_a_changed_file_of_images_is_not_loaded(
    bundle: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = use(tmp_path / "other", monkeypatch)
    with (bundle.parent / offline.IMAGES).open("ab") as file:
        file.write(b"!")
    with pytest.raises(BundleError, match=r"images.tar is not as the bundle was written"):
        offline.load(settings, bundle)
    assert "load" not in (other / "asked").read_text()


def test_a_bundle_of_another_stack_lacks_images_and_says_which(bundle: Path, settings: Settings) -> None:
    with pytest.raises(BundleError, match=r"bundle of stack gpu lacks breakwater/.*:2.0.*make bundle STACK=gpu"):
        offline.load(replace(settings, release="2.0"), bundle)


def test_images_that_the_engine_lacks_are_named_before_any_is_saved(
    engine: Path, settings: Settings, tmp_path: Path
) -> None:
    image(engine, "breakwater/query:0.1.0").unlink()
    with pytest.raises(BundleError, match=r"does not have breakwater/query:0.1.0; `make images` builds"):
        offline.save(settings, tmp_path / "images.tar")
    assert not (tmp_path / "images.tar").exists()


def test_digests_of_a_registry_are_refused(settings: Settings) -> None:
    with pytest.raises(BundleError, match="imageDigests pin what a registry gives"):
        offline.names(replace(settings, image_digests={"query": "sha256:" + "a" * 64}))
