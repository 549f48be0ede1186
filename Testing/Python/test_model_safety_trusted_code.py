"""Code of a package runs when exactly this package is trusted, and only then."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from AIImagingLogic.models.bundle_config.config import BundleConfig
from AIImagingLogic.models.bundle_config.trusted_code import resolve_trusted
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.models.safety.trust import package_hash, trust
from AIImagingLogic.records.errors import ModelError

pytest.importorskip("monai.bundle")


def _package(folder: Path, answer: int, canary: Path) -> BundleConfig:
    (folder / "configs").mkdir(parents=True)
    (folder / "scripts").mkdir()
    (folder / "scripts" / "__init__.py").write_text("")
    code = f"import pathlib\npathlib.Path({str(canary)!r}).touch()\nclass Net:\n    answer = {answer}\n"
    (folder / "scripts" / "net.py").write_text(code)
    content = {
        "imports": ["$import scripts"],
        "network_def": {"_target_": "scripts.net.Net"},
        "root": "$@bundle_root + '/a'",
    }
    (folder / "configs" / "inference.json").write_text(json.dumps({"bundle_root": ".", **content}))
    return BundleConfig(folder / "configs" / "inference.json")


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "user"))


def test_code_of_a_package_runs_only_once_it_is_trusted(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    config = _package(tmp_path / "a", 42, canary)
    with pytest.raises(UntrustedModel) as refused:
        resolve_trusted(config, "network_def")
    assert not canary.exists()
    assert refused.value.package_hash == package_hash(config.package)
    trust(refused.value.package_hash, "a")
    assert resolve_trusted(config, "network_def").answer == 42
    assert canary.exists()
    assert resolve_trusted(config, "root") == f"{config.package}/a"


def test_running_the_code_leaves_the_package_trusted_and_a_change_does_not(tmp_path: Path) -> None:
    config = _package(tmp_path / "a", 1, tmp_path / "canary")
    trust(package_hash(config.package), "a")
    resolve_trusted(config, "network_def")
    assert resolve_trusted(config, "network_def").answer == 1
    (config.package / "scripts" / "net.py").write_text("class Net:\n    answer = 2\n")
    with pytest.raises(UntrustedModel):
        resolve_trusted(config, "network_def")


def test_two_packages_keep_their_scripts_apart(tmp_path: Path) -> None:
    for name, answer in (("a", 1), ("b", 2), ("a2", 3)):
        config = _package(tmp_path / name, answer, tmp_path / "canary")
        trust(package_hash(config.package), name)
        assert resolve_trusted(config, "network_def").answer == answer
    assert "scripts" not in sys.modules
    assert not any(str(tmp_path) in each for each in sys.path)


def test_code_that_fails_is_a_clear_error(tmp_path: Path) -> None:
    config = _package(tmp_path / "a", 1, tmp_path / "canary")
    (config.package / "scripts" / "net.py").write_text("import a_package_that_is_not_there\n")
    trust(package_hash(config.package), "a")
    with pytest.raises(ModelError, match="failed at 'network_def'"):
        resolve_trusted(config, "network_def")
    with pytest.raises(ModelError, match="has no 'other'"):
        resolve_trusted(config, "other")
