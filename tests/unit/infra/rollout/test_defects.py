"""The releases that tests of rollouts use: each is what it says."""

import ast
import shutil
from pathlib import Path

import pytest

from chaos import releases
from chaos.releases import DEFECTS, MIGRATION, MIGRATIONS, Patch, defective, good
from infra.settings import PROJECT_ROOT


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of just what the defects change."""
    for name in {"pyproject.toml", "services/__init__.py", *(p.file for those in DEFECTS.values() for p in those)}:
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT_ROOT / name, tmp_path / "project" / name)
    (tmp_path / "project/migrations").mkdir()
    monkeypatch.setattr(releases, "PROJECT_ROOT", tmp_path / "project")
    return tmp_path / "project"


def differing(project: Path, checkout: Path) -> set[str]:
    paths = (path for path in checkout.rglob("*") if path.is_file())
    contents = {str(path.relative_to(checkout)): path.read_text() for path in paths}
    before = {name: (project / name).read_text() for name in contents if (project / name).exists()}
    return {name for name, text in contents.items() if before.get(name) != text}


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defective_release_differs_in_its_defect_alone_and_still_starts(
    kind: str, small: Path, tmp_path: Path
) -> None:
    checkout = defective(kind, tmp_path / "new")
    migration = {f"migrations/{MIGRATION}"} if kind in MIGRATIONS else set()
    assert differing(small, checkout) == {patch.file for patch in DEFECTS[kind]} | migration
    for patch in DEFECTS[kind]:
        ast.parse((checkout / patch.file).read_text())


def test_good_releases_are_all_others_and_do_the_same(small: Path, tmp_path: Path) -> None:
    one, two = good(tmp_path / "1"), good(tmp_path / "2", 2, migration=True)
    assert differing(small, one) == {"services/__init__.py"}
    assert differing(small, two) == {"services/__init__.py", f"migrations/{MIGRATION}"}
    assert (one / "services/__init__.py").read_text() != (two / "services/__init__.py").read_text()


def test_a_defect_whose_place_is_gone_is_none_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"services/a\.py has 'x' 0 times, not once"):
        Patch("services/a.py", "x", "y").apply(tmp_path)
