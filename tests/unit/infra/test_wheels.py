import hashlib
from pathlib import Path

import pytest
from packaging.pylock import PackageWheel

from infra import wheels
from infra.wheels import WheelError, fetch, least_glibc, select

OLD = "a-1-cp36-cp36m-manylinux1_i686.whl"
HERE = "a-1-py3-none-any.whl"


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def wheel(folder: Path, name: str, contents: bytes = b"a wheel", sha256: str = "") -> PackageWheel:
    (folder / name).write_bytes(contents)
    return PackageWheel(name=name, url=(folder / name).as_uri(), hashes={"sha256": sha256 or digest(contents)})


def pylock(*names: str) -> dict[str, object]:
    made = [
        {"name": name, "url": f"https://index/{name}", "hashes": {"sha256": digest(name.encode())}} for name in names
    ]
    package = {"name": "a", "version": "1", "wheels": made}
    return {"lock-version": "1.0", "created-by": "a test", "packages": [package]}


def test_of_a_packages_wheels_the_one_for_this_machine_is_taken() -> None:
    lock = f"a==1 --hash=sha256:{digest(HERE.encode())}"
    assert [one.filename for one in select(pylock(OLD, HERE), lock)] == [HERE]


def test_a_wheel_whose_digest_is_not_in_the_lock_is_refused() -> None:
    with pytest.raises(WheelError, match=rf"{HERE} of the package index is not among those of requirements.lock"):
        select(pylock(HERE), "a==1 --hash=sha256:other")


def test_wheels_are_downloaded_once_and_older_ones_go(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "old-1-py3-none-any.whl").touch()
    wanted = [wheel(tmp_path, f"{name}-1-py3-none-any.whl", name.encode()) for name in "abc"]
    counted: list[int] = []
    files = fetch(wanted, counted.append, kept)
    assert [file.read_bytes() for file in files] == [b"a", b"b", b"c"]
    assert sorted(file.name for file in kept.iterdir()) == [one.filename for one in wanted]
    for file in tmp_path.glob("*.whl"):
        file.unlink()
    assert fetch(wanted, counted.append, kept) == files
    assert sum(counted) == 6


def test_a_kept_wheel_that_was_changed_is_downloaded_again(tmp_path: Path) -> None:
    wanted = [wheel(tmp_path, HERE)]
    (file,) = fetch(wanted, lambda _: None, tmp_path / "kept")
    file.write_bytes(b"changed")
    assert fetch(wanted, lambda _: None, tmp_path / "kept")[0].read_bytes() == b"a wheel"


def test_what_the_index_gives_under_a_name_must_have_its_digest(tmp_path: Path) -> None:
    wanted = [wheel(tmp_path, HERE, sha256="0" * 64)]
    with pytest.raises(WheelError, match=rf"{HERE} is not the locked one"):
        fetch(wanted, lambda _: None, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_wheel_that_cannot_be_had_is_named_after_some_attempts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def away(url: str, *_: object) -> None:
        asked.append(url)
        raise TimeoutError("timed out")

    monkeypatch.setattr(wheels, "_download", away)
    with pytest.raises(WheelError, match=rf"{HERE} cannot be downloaded \(timed out\); run `make bundle` again"):
        fetch([wheel(tmp_path, HERE)], lambda _: None, tmp_path / "kept")
    assert len(asked) == wheels.ATTEMPTS


@pytest.mark.parametrize(
    ("names", "least"),
    [
        ([HERE], "2.5"),
        (["a-1-cp311-cp311-manylinux_2_28_x86_64.whl", HERE], "2.28"),
        (["a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl"], "2.17"),
        (["a-1-py3-none-manylinux2014_x86_64.whl", "b-1-py3-none-manylinux_2_9_x86_64.whl"], "2.17"),
    ],
)
def test_the_glibc_needed_is_that_of_the_most_demanding_wheel(names: list[str], least: str) -> None:
    assert least_glibc(names) == least
