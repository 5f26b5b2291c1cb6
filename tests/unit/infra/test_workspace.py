import json
import stat
from pathlib import Path

import pytest

from infra import workspace


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def test_the_passphrase_is_made_once_and_only_its_owner_reads_it(data_directory: Path) -> None:
    workspace.environment()
    passphrase = data_directory / "passphrase"
    first = passphrase.read_text()
    workspace.environment()
    assert passphrase.read_text() == first
    assert len(first) > 40
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600


def test_no_secret_is_in_the_environment_itself(data_directory: Path) -> None:
    environment = workspace.environment()
    secret = (data_directory / "passphrase").read_text()
    assert secret not in "".join(environment.values())


def test_the_projects_tools_come_first_on_path_and_once() -> None:
    path = workspace.environment()["PATH"].split(":")
    assert path[1] == str(workspace.TOOLS)
    assert path.count(str(workspace.TOOLS)) == 1


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("config:\n  a: b\nencryptionsalt: v1:x\n", "config:\n  a: b\n"),
        ("config:\n  a:\n    secure: v1:y\nencryptionsalt: v1:x\n", None),
    ],
)
def test_the_salt_is_taken_out_unless_the_file_has_secrets(tmp_path: Path, written: str, left: str | None) -> None:
    config = tmp_path / "Pulumi.x.yaml"
    with workspace._without_salt(config):
        config.write_text(written)
    assert config.read_text() == (written if left is None else left)


def test_the_lock_of_a_dead_process_is_removed(data_directory: Path) -> None:
    locks = data_directory / "state/.pulumi/locks/organization/breakwater/local"
    locks.mkdir(parents=True)
    lock = locks / "x.json"
    lock.write_text(json.dumps({"pid": 2**22 + 1}))
    workspace._clear_killed("local")
    assert not lock.exists()


@pytest.mark.parametrize(("alive", "patience_s", "refused"), [(3, 60, False), (3, 0.01, True), (1, 0, True)])
def test_a_pulumi_that_goes_on_is_waited_for(
    data_directory: Path, monkeypatch: pytest.MonkeyPatch, alive: int, patience_s: float, refused: bool
) -> None:
    locks = data_directory / "state/.pulumi/locks/organization/breakwater/local"
    locks.mkdir(parents=True)
    (locks / "x.json").write_text(json.dumps({"pid": 1}))
    left = iter([True] * alive)
    monkeypatch.setattr(workspace, "_is_pulumi", lambda _: next(left, refused))
    monkeypatch.setattr("infra.workspace.time.sleep", lambda _: None)
    if refused:
        with pytest.raises(workspace.WorkspaceError, match="another pulumi"):
            workspace._clear_killed("local", patience_s)
    else:
        workspace._clear_killed("local", patience_s)
    assert (locks / "x.json").exists() is refused


class Pulumi:
    """Has these plugins, and cannot install another where it is `offline`."""

    def __init__(self, plugins: list[dict[str, str]], *, offline: bool = False) -> None:
        self.plugins, self.offline = plugins, offline
        self.asked: list[tuple[str, ...]] = []

    def ask(self, *arguments: str) -> str:
        self.asked.append(arguments)
        if "install" in arguments and self.offline:
            raise workspace.WorkspaceError("dial tcp: lookup get.pulumi.com: no such host")
        return json.dumps(self.plugins)


THERE = {"name": "docker", "kind": "resource", "version": "5.2.0", "size": "1"}
INSTALL = ("plugin", "install", "resource", "docker", "5.2.0")


@pytest.mark.parametrize(
    ("plugins", "installs"),
    [([THERE], False), ([], True), ([THERE | {"version": "4.0.0"}], True), ([THERE | {"kind": "analyzer"}], True)],
)
def test_a_plugin_is_installed_once(
    plugins: list[dict[str, str]], installs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi = Pulumi(plugins)
    monkeypatch.setattr(workspace, "ask_pulumi", pulumi.ask)
    workspace.install_plugin("docker", "5.2.0")
    assert (INSTALL in pulumi.asked) is installs


def test_who_cannot_install_a_plugin_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "ask_pulumi", Pulumi([], offline=True).ask)
    with pytest.raises(workspace.WorkspaceError, match="no such host") as failure:
        workspace.install_plugin("docker", "5.2.0")
    assert "pulumi-resource-docker-v5.2.0-linux-amd64.tar.gz" in str(failure.value)
    assert "pulumi plugin install resource docker 5.2.0 --file" in str(failure.value)


def test_a_plugin_out_of_a_bundle_is_installed_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi = Pulumi([])
    monkeypatch.setattr(workspace, "ask_pulumi", pulumi.ask)
    monkeypatch.setattr(workspace, "TOOLS", tmp_path)
    (tmp_path / "pulumi-resource-docker").touch()
    workspace.install_plugin("docker", "5.2.0")
    assert (*INSTALL, "--file", str(tmp_path / "pulumi-resource-docker")) in pulumi.asked


def test_one_that_was_replaced_and_is_still_to_go_counts_by_its_name_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def container(name: str, **more: object) -> dict[str, object]:
        urn = "urn:pulumi:s::breakwater::docker:index/container:Container::query"
        return {"type": "docker:index/container:Container", "urn": urn, "outputs": {"name": name}, **more}

    state = {"deployment": {"resources": [container("query-new"), container("query-old", delete=True)]}}
    monkeypatch.setattr(workspace, "ask_pulumi", lambda *_words: json.dumps(state))
    assert workspace.resources("s") == {("docker:index/container:Container", "query"): {"name": "query-new"}}
    names = workspace.physical_names("s", "docker:index/container:Container")
    assert names == {"query-new", "query-old"}
