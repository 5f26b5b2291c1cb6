import json
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from infra.bundle import BundleError, Contents, Machine, Part, Tree, project_tree, read_lock, write

MACHINE = Machine(python="3.11", machine="x86_64", glibc="2.28")


def git(root: Path, *command: str) -> str:
    words = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *command]
    return subprocess.run(words, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    (root / "Makefile").write_text("up:\n")
    (root / ".gitignore").write_text("/.breakwater/\n")
    (root / ".breakwater").mkdir()
    (root / ".breakwater/passphrase").write_text("secret")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "All")
    return root


@pytest.fixture
def changed(project: Path) -> Path:
    """The project with a file that is not as it was committed."""
    (project / "Makefile").write_text("up: changed\n")
    return project


@pytest.fixture
def as_committed(project: Path) -> Path:
    git(project, "checkout", "-q", ".")
    return project


def contents(tree: Tree) -> Contents:
    return Contents("local", "local", "0.1.0", tree, MACHINE, programs={"pulumi": "3.256.0"})


def parts(folder: Path) -> list[Part]:
    (folder / "a.whl").write_bytes(b"wheel")
    (folder / "pulumi").write_bytes(b"program")
    return [Part("wheels/a.whl", folder / "a.whl"), Part("bin/pulumi", folder / "pulumi", mode=0o755)]


def unpacked(archive: Path) -> Path:
    subprocess.run(["tar", "-xf", archive.name], cwd=archive.parent, check=True)
    return next(path for path in archive.parent.iterdir() if path.is_dir())


def test_an_archive_has_the_committed_files_and_what_is_needed_beside(as_committed: Path, tmp_path: Path) -> None:
    tree = project_tree(as_committed)
    assert write(tmp_path / "out/b.tar", contents(tree), parts(tmp_path), root=as_committed)
    folder = unpacked(tmp_path / "out/b.tar")
    assert folder.name == f"breakwater-0.1.0-local-{git(as_committed, 'rev-parse', 'HEAD')[:9]}"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        ".gitignore",
        "Makefile",
        "offline/SHA256SUMS",
        "offline/bin/pulumi",
        "offline/bundle.lock",
        "offline/wheels/a.whl",
    }
    assert (folder / "offline/bin/pulumi").stat().st_mode & 0o111


def test_its_sums_are_what_sha256sum_reads(as_committed: Path, tmp_path: Path) -> None:
    write(tmp_path / "out/b.tar", contents(project_tree(as_committed)), parts(tmp_path), root=as_committed)
    offline = unpacked(tmp_path / "out/b.tar") / "offline"
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    said = subprocess.run(check, cwd=offline, capture_output=True, text=True, check=True).stdout
    assert said == "bin/pulumi: OK\nwheels/a.whl: OK\n"


def test_its_lock_tells_the_commit_the_machine_and_every_file(as_committed: Path, tmp_path: Path) -> None:
    tree = project_tree(as_committed)
    write(tmp_path / "out/b.tar", contents(tree), parts(tmp_path), root=as_committed)
    lock = read_lock(unpacked(tmp_path / "out/b.tar") / "offline/bundle.lock")
    files = lock.pop("files")
    assert list(files) == ["bin/pulumi", "wheels/a.whl"]
    assert files["wheels/a.whl"]["bytes"] == 5
    assert lock == {
        "stack": "local",
        "target": "local",
        "version": "0.1.0",
        "commit": tree.commit,
        "uncommitted": False,
        "python": "3.11",
        "machine": "x86_64",
        "glibc": "2.28",
        "programs": {"pulumi": "3.256.0"},
        "images": {},
    }


def test_the_same_commit_yields_the_same_bytes(as_committed: Path, tmp_path: Path) -> None:
    made = contents(project_tree(as_committed))
    first, second = (write(tmp_path / name, made, parts(tmp_path), root=as_committed) for name in ("1.tar", "2.tar"))
    assert first == second


def test_files_that_are_not_committed_are_refused_by_name(changed: Path) -> None:
    with pytest.raises(BundleError, match=r"1 files differ from what is committed \(Makefile…\).*UNCOMMITTED=1"):
        project_tree(changed)


def test_files_that_are_not_committed_are_taken_if_asked_for_and_the_name_and_lock_say_so(
    changed: Path, tmp_path: Path
) -> None:
    tree = project_tree(changed, uncommitted=True)
    write(tmp_path / "out/b.tar", contents(tree), [], root=changed)
    folder = unpacked(tmp_path / "out/b.tar")
    assert folder.name.endswith("-uncommitted")
    assert (folder / "Makefile").read_text() == "up: changed\n"
    assert json.loads((folder / "offline/bundle.lock").read_text())["uncommitted"] is True
    assert git(changed, "stash", "list") == ""


def test_the_stacks_settings_lie_beside_the_makefile(as_committed: Path, tmp_path: Path) -> None:
    settings = tmp_path / "Pulumi.docker.yaml"
    settings.write_text("config: {}\n")
    made = replace(contents(project_tree(as_committed)), target="docker")
    write(tmp_path / "b.tar", made, [], settings=[settings], root=as_committed)
    with tarfile.open(tmp_path / "b.tar") as tar:
        assert f"{made.name}/Pulumi.docker.yaml" in tar.getnames()


def test_a_killed_attempt_leaves_no_archive(as_committed: Path, tmp_path: Path) -> None:
    gone = Part("wheels/gone.whl", tmp_path / "gone.whl")
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "b.tar", contents(project_tree(as_committed)), [gone], root=as_committed)
    assert not (tmp_path / "b.tar").exists()


def test_where_there_is_no_repository_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="made from a git repository"):
        project_tree(tmp_path)


def test_where_there_is_no_bundle_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle in"):
        read_lock(tmp_path / "bundle.lock")
