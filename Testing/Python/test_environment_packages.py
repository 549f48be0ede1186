"""What the doctor sees of packages by their files alone."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from environment_site_packages import add_base_packages, add_package, findings, only

from AIImagingLogic.inference.environment import examine
from AIImagingLogic.inference.environment_leftovers import remove_leftovers
from AIImagingLogic.inference.environment_report import EnvironmentReport, Repair, Severity

_REPOSITORY = Path(__file__).resolve().parents[2]


def _look(folder: Path) -> EnvironmentReport:
    return examine(probe=False, folders=[folder])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    add_base_packages(folder)
    return folder


def _about_packages(report: EnvironmentReport) -> list[str]:
    machine = {"memory-in-use", "little-memory", "disk-full", "install-folder", "python-version"}
    return [
        finding.what
        for finding in report.findings
        if finding.severity is not Severity.NOTE and finding.code not in machine and not finding.code.startswith("gpu")
    ]


def test_whole_packages_in_range_give_no_problem_and_no_warning(site: Path) -> None:
    add_package(site, "torch", "2.13.0", requires=["numpy; extra == 'dev'", "tensorrt; sys_platform == 'nowhere'"])
    add_package(site, "torchvision", "0.28.0", requires=["torch==2.13.0", "numpy"])
    assert _about_packages(_look(site)) == []


def test_files_missing_from_a_package_are_counted_and_named(site: Path) -> None:
    add_package(site, "jinja2", "3.1.6", more_files=["jinja2/lexer.py", "jinja2/parser.py"])
    (site / "jinja2" / "lexer.py").unlink()
    finding = only(_look(site), "half-installed")
    assert "1 of its 3 files are missing, such as jinja2/lexer.py" in finding.what
    assert finding.severity is Severity.PROBLEM
    assert (finding.repair, finding.targets) == (Repair.REINSTALL, ("jinja2>=3.1",))


def test_tests_left_out_by_slicer_s_installer_are_no_fault(site: Path) -> None:
    add_package(site, "jinja2", "3.1.6", more_files=["jinja2/tests/test_lexer.py"])
    shutil.rmtree(site / "jinja2" / "tests")
    assert _about_packages(_look(site)) == []


@pytest.mark.parametrize(
    ("lost", "said"), [("METADATA", "description (METADATA)"), ("RECORD", "list of files (RECORD)")]
)
def test_half_removed_metadata_is_found(site: Path, lost: str, said: str) -> None:
    info = add_package(site, "monai", "1.6.1")
    (info / lost).unlink()
    finding = only(_look(site), "half-installed")
    assert "monai 1.6.1 is only half installed" in finding.what
    assert said in finding.what


def test_empty_metadata_folder_is_found_although_nothing_else_is_there(site: Path) -> None:
    (site / "torch-2.9.0.dist-info").mkdir()
    finding = only(_look(site), "half-installed")
    assert "torch 2.9.0" in finding.what
    assert finding.repair is Repair.REINSTALL_TORCH


def test_a_broken_package_that_is_not_ours_is_only_a_warning(site: Path) -> None:
    info = add_package(site, "pandas", "2.3.0")
    (info / "RECORD").unlink()
    finding = only(_look(site), "half-installed")
    assert (finding.severity, finding.repair) == (Severity.WARNING, None)


def test_a_broken_package_that_comes_with_slicer_is_not_installed_over(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLICER_HOME", "/opt/Slicer")
    (site / "SimpleITK" / "__init__.py").unlink()
    report = _look(site)
    assert report.host == "3D Slicer"
    finding = only(report, "half-installed")
    assert finding.repair is None
    assert "install Slicer again" in finding.advice


def test_leftovers_of_pip_are_listed(site: Path) -> None:
    (site / "~orch" / "lib").mkdir(parents=True)
    (site / "~orch-2.9.0.dist-info").mkdir()
    finding = only(_look(site), "leftovers")
    assert finding.targets == ("~orch", "~orch-2.9.0.dist-info")
    assert finding.repair is Repair.REMOVE_LEFTOVERS
    assert findings(_look(site), "half-installed") == []


def test_only_leftovers_in_pip_s_folders_are_deleted(site: Path, tmp_path: Path) -> None:
    own = tmp_path / "my scripts"
    for folder in (site, own):
        (folder / "~orch").mkdir(parents=True)
    (site / "~kept").mkdir()
    assert findings(_look(own), "leftovers") == []
    assert remove_leftovers(["~orch", "numpy"], [site, own]) == ()
    assert not (site / "~orch").exists()
    assert (own / "~orch").exists() and (site / "~kept").exists() and (site / "numpy").exists()


def test_two_registrations_of_one_package_are_found_whatever_their_spelling(site: Path) -> None:
    add_package(site, "scikit-learn", "1.6.0", module="sklearn")
    add_package(site, "scikit_learn", "1.7.0", module="sklearn")
    finding = only(_look(site), "two-versions")
    assert "1.6.0 and 1.7.0" in finding.what
    assert finding.severity is Severity.PROBLEM


def test_a_second_copy_elsewhere_on_the_path_names_the_one_in_use(site: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    add_package(other, "numpy", "1.26.4")
    finding = only(examine(probe=False, folders=[site, other]), "shadowed")
    assert "2.4.6 in" in finding.what and "1.26.4" in finding.what


def test_files_of_a_package_that_was_removed_half_way_are_found(site: Path) -> None:
    (site / "torch" / "lib").mkdir(parents=True)
    (site / "torch" / "lib" / "libtorch_cpu.so").write_bytes(b"")
    finding = only(_look(site), "half-removed")
    assert finding.repair is Repair.REINSTALL_TORCH


def test_torchvision_for_another_torch_is_found(site: Path) -> None:
    add_package(site, "torch", "2.13.0+cpu")
    add_package(site, "torchvision", "0.24.0", requires=["torch==2.9.0"])
    finding = only(_look(site), "torchvision-mismatch")
    assert "torchvision 0.24.0 needs torch==2.9.0; installed is torch 2.13.0+cpu" in finding.what
    assert finding.repair is Repair.REINSTALL_TORCH


def test_numpy_that_a_compiled_package_cannot_use_is_never_answered_with_an_older_numpy(site: Path) -> None:
    add_package(site, "numba", "0.59.0", requires=["numpy<2.1,>=1.22"])
    finding = only(_look(site), "version-conflict")
    assert "numba 0.59.0 needs numpy<2.1,>=1.22; installed is numpy 2.4.6" in finding.what
    assert "Do not install an older numpy" in finding.advice


def test_all_that_a_package_lacks_is_one_finding(site: Path) -> None:
    add_package(site, "torch", "2.13.0", requires=["sympy", "networkx", "fsspec", "filelock>=3", "triton"])
    finding = only(_look(site), "dependency-missing")
    assert "needs sympy, networkx, fsspec and 2 more, which are not installed" in finding.what
    assert finding.repair is Repair.REINSTALL_TORCH


def test_a_version_outside_our_range_is_found(site: Path) -> None:
    add_package(site, "matplotlib", "3.5.0")
    finding = only(_look(site), "out-of-range")
    assert (finding.repair, finding.targets) == (Repair.INSTALL, ("matplotlib>=3.9",))


def test_a_package_that_no_task_runs_without_is_a_problem_when_missing(tmp_path: Path) -> None:
    report = _look(tmp_path)
    needed = [finding for finding in findings(report, "missing") if finding.severity is Severity.PROBLEM]
    assert len(needed) == 1 and "SimpleITK" in needed[0].what
    assert "scipy>=1.14" in needed[0].targets


def test_torch_comes_before_what_stands_on_it(site: Path) -> None:
    deep = [finding for finding in findings(_look(site), "missing") if finding.what.startswith("Deep models")]
    assert (deep[0].repair, deep[0].targets) == (Repair.INSTALL_TORCH, ("torch>=2.4",))
    add_package(site, "torch", "2.13.0")
    deep = [finding for finding in findings(_look(site), "missing") if finding.what.startswith("Deep models")]
    assert deep[0].repair is Repair.INSTALL and deep[0].targets[0] == "monai>=1.5"
    assert not any(target.startswith("torch") for target in deep[0].targets)


def test_ranges_are_those_of_the_wheel() -> None:
    project = tomllib.loads((_REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = {*project["dependencies"], *extras["fast"], *extras["learn"], *extras["cohort"]}
    data = json.loads((_REPOSITORY / "Resources/environment/packages.json").read_text(encoding="utf-8"))
    offered = {package["requirement"] for purpose in data["purposes"] for package in purpose["packages"]}
    assert offered == declared
    assert set(data["python"].split(",")) == set(project["requires-python"].split(","))
