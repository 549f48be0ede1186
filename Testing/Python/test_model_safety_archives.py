"""Archives, arrays and trust: what is unpacked lies in its folder, and trust means exactly these bytes."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from AIImagingLogic.models.safety.archive import unpack
from AIImagingLogic.models.safety.arrays import load_arrays
from AIImagingLogic.models.safety.member_names import checked_member
from AIImagingLogic.models.safety.plan_classes import plan_class
from AIImagingLogic.models.safety.refusals import UnsafeModel, UntrustedModel
from AIImagingLogic.models.safety.trust import distrust, package_hash, trust, trusted, trusted_packages
from AIImagingLogic.records.errors import ModelError
from Testing.Python.attack_archives import ARCHIVE_ATTACKS


@pytest.mark.parametrize("name", ARCHIVE_ATTACKS)
def test_an_archive_that_writes_elsewhere_or_blows_up_is_refused_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    place, outside = tmp_path / "in", tmp_path / "out"
    place.mkdir()
    outside.mkdir()
    archive = place / "package.bin"
    ARCHIVE_ATTACKS[name](archive, outside / "canary")
    with pytest.raises(UnsafeModel, match=r"package\.bin"):
        unpack(archive, place / "unpacked")
    assert list(outside.iterdir()) == []
    assert list(place.iterdir()) == [archive]


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz"])
def test_an_honest_archive_is_there_whole(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "source"
    (source / "configs").mkdir(parents=True)
    (source / "configs" / "größe.json").write_text("{}")
    (source / "model.pt").write_bytes(bytes(1000) + b"end")
    archive = tmp_path / f"package.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
            for path in sorted(source.rglob("*")):
                target.write(path, path.relative_to(source))
    else:
        with tarfile.open(archive, "w:" + kind.split(".")[1]) as target:
            for path in sorted(source.iterdir()):
                target.add(path, path.name)
    unpack(archive, tmp_path / "unpacked")
    assert package_hash(tmp_path / "unpacked") == package_hash(source)
    with pytest.raises(ModelError, match="already"):
        unpack(archive, tmp_path / "unpacked")


@given(st.text(st.sampled_from("ab./\\:\x00\n c"), max_size=12))
def test_a_name_that_passes_stays_in_its_folder(name: str) -> None:
    try:
        path = checked_member(name, "archive")
    except UnsafeModel:
        return
    root = Path("/folder")
    assert (root / path).resolve().is_relative_to(root)
    assert (root / path) != root
    assert "\x00" not in str(path)


def test_arrays_load_and_objects_or_lies_do_not(tmp_path: Path) -> None:
    numbers = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "a.npy", numbers)
    np.savez_compressed(tmp_path / "b.npz", x=numbers, y=numbers.astype(np.int16))
    assert np.array_equal(load_arrays(tmp_path / "a.npy")[""], numbers)
    assert load_arrays(tmp_path / "b.npz")["y"].dtype == np.int16
    np.save(tmp_path / "c.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "d.npz", x=np.array([{}], dtype=object))
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "e.npy").write_bytes(whole.replace(b"(2, 3)", b"(2**9)"))
    (tmp_path / "f.npy").write_bytes(whole.replace(b"(2, 3), }" + b" " * 10, b"(2, 30000000000), }"))
    assert len((tmp_path / "f.npy").read_bytes()) == len(whole)
    assert (tmp_path / "f.npy").read_bytes() != whole
    for name in ("c.npy", "d.npz", "e.npy", "f.npy"):
        with pytest.raises(UnsafeModel, match=name):
            load_arrays(tmp_path / name)


def test_trust_ends_with_any_changed_byte_or_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "user"))
    package = tmp_path / "package"
    (package / "scripts").mkdir(parents=True)
    code = package / "scripts" / "net.py"
    code.write_text("a = 1\n")
    known = package_hash(package)
    assert not trusted(known)
    trust(known, "a net of a friend")
    assert trusted(package_hash(package))
    assert [each.what for each in trusted_packages()] == ["a net of a friend"]
    code.write_text("a = 2\n")
    assert not trusted(package_hash(package))
    code.write_text("a = 1\n")
    code.rename(package / "scripts" / "Net.py")
    assert not trusted(package_hash(package))
    assert distrust(known)
    assert not trusted(known)


def test_two_packages_never_run_together_into_one_hash(tmp_path: Path) -> None:
    for name, files in {"one": {"a": "bc", "d": ""}, "two": {"a": "b", "cd": ""}}.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
    assert package_hash(tmp_path / "one") != package_hash(tmp_path / "two")


def test_a_package_with_a_link_has_no_hash(tmp_path: Path) -> None:
    (tmp_path / "weights").symlink_to("/etc/passwd")
    with pytest.raises(UnsafeModel, match="link"):
        package_hash(tmp_path)


def test_a_damaged_list_trusts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path))
    trust("0" * 64, "something")
    (tmp_path / "trusted_packages.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        trusted("0" * 64)


def test_a_plan_names_classes_of_a_short_list_only() -> None:
    torch = pytest.importorskip("torch")
    assert plan_class("torch.nn.modules.conv.Conv3d", "plans.json") is torch.nn.Conv3d
    for name in ("os.system", "torch.nn.modules.module.torch.load", "torch.nn.Module", "torch.hub.Conv3d", "", None):
        with pytest.raises(UntrustedModel, match=r"plans\.json"):
            plan_class(name, "plans.json network_class_name")
