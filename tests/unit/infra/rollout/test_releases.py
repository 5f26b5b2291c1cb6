import re
import zipfile
from pathlib import Path

import pytest

from infra.rollout.releases import ReleaseError, find, prepare, prepared

FILES = {
    "pyproject.toml": '[project]\nname = "breakwater-rag"\nversion = "1.2.0"\n',
    "services/query/main.py": "one = 1\n",
    "services/query/__pycache__/main.pyc": "of this machine",
    "migrations/1_rag.sql": "-- migrate:up\n",
    "infra/topology.py": "no part of a release\n",
}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path / "data"))
    return tmp_path / "data/releases"


def checkout(folder: Path, **changes: str | None) -> str:
    files = {**FILES, **{name.replace("__", "/"): text for name, text in changes.items()}}
    for name, text in files.items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    return str(folder)


def wheel(file: Path, files: dict[str, str]) -> str:
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return str(file)


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_checkout_becomes_a_copy_of_what_services_need_named_by_version_and_content(
    tmp_path: Path, data: Path
) -> None:
    release = prepare(checkout(tmp_path / "one"))
    assert re.fullmatch(r"1\.2\.0-[0-9a-f]{8}", release.name)
    assert release.path == data / release.name
    assert contents(release.path) == {"services/query/main.py", "migrations/1_rag.sql"}
    assert (release.migrations / "1_rag.sql").exists()
    assert find(release.name) == release


def test_the_same_content_is_the_same_release_and_stays_as_it_was_prepared(tmp_path: Path, data: Path) -> None:
    first = prepare(checkout(tmp_path / "one"))
    seen = (first.path / "services/query/main.py").stat()
    assert prepare(checkout(tmp_path / "two")) == first
    assert (first.path / "services/query/main.py").stat() == seen
    assert [path.name for path in data.iterdir()] == [first.name]  # nothing half made is left


def test_other_content_is_another_release(tmp_path: Path) -> None:
    names = {
        prepare(checkout(tmp_path / "one")).name,
        prepare(checkout(tmp_path / "two", services__query__main="one = 2\n")).name,
        prepare(checkout(tmp_path / "three", migrations__2="")).name,
    }
    assert len(names) == 3
    assert prepared() == sorted(names)


def test_a_wheel_is_the_release_of_the_checkout_that_it_was_built_from(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if "pycache" not in name and name != "pyproject.toml"}
    files["breakwater_rag-1.2.0.dist-info/METADATA"] = "Name: breakwater-rag\nVersion: 1.2.0\n"
    assert prepare(wheel(tmp_path / "a.whl", files)) == prepare(checkout(tmp_path / "one"))


def test_what_nothing_can_be_made_from_is_refused_saying_what_is_wrong(tmp_path: Path, data: Path) -> None:
    wrong = {
        str(tmp_path / "nowhere"): "there is no .*/nowhere; name the folder of a checkout, or a wheel",
        checkout(tmp_path / "no-version", **{"pyproject.toml": "[project]\n"}): "names no version",
        wheel(tmp_path / "empty.whl", {"x.dist-info/METADATA": "Version: 1\n"}): "no services/ and no migrations/",
        wheel(tmp_path / "no.whl", FILES): "is no wheel",
        wheel(tmp_path / "nameless.whl", {"x.dist-info/METADATA": "Name: x\n"}): "names no version in its METADATA",
    }
    (tmp_path / "text.whl").write_text("text")
    (tmp_path / "bare").mkdir()
    wrong |= {
        str(tmp_path / "text.whl"): "is no wheel: File is not a zip file",
        str(tmp_path / "bare"): "has no pyproject.toml, so it is no checkout",
    }
    for source, message in wrong.items():
        with pytest.raises(ReleaseError, match=message):
            prepare(source)
    assert list(data.iterdir()) == []


def test_a_release_that_was_not_prepared_is_refused_naming_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"no release '2\.0' is prepared \(none yet\); prepare one from"):
        find("2.0")
    name = prepare(checkout(tmp_path / "one")).name
    with pytest.raises(ReleaseError, match=rf"no release '2\.0' is prepared \({name}\)"):
        find("2.0")
