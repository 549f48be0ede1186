"""The wheel: what is installed without the source tree works, with its data."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """A folder that holds what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _run(unpacked: Path, code: str) -> str:
    """Run code that sees the unpacked wheel first, and neither the current folder nor the environment's variables."""
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(unpacked)!r})\n{code}"]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installed_package_finds_its_own_data(unpacked):
    code = """
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.resources import resource_path
assert concept("lung-left").name == "Left lung"
print(resource_path("report/follow_up.html.j2"))
"""
    assert Path(_run(unpacked, code).strip()).is_relative_to(unpacked / "AIImagingLogic")


def test_every_data_file_of_the_source_tree_is_in_the_wheel(unpacked):
    source, installed = ROOT / "Resources", unpacked / "AIImagingLogic" / "Resources"
    assert {path.relative_to(source) for path in source.rglob("*")} == {
        path.relative_to(installed) for path in installed.rglob("*")
    }


def test_importing_the_package_needs_no_torch_and_no_slicer(unpacked):
    code = """
import importlib, pkgutil, AIImagingLogic
for module in pkgutil.walk_packages(AIImagingLogic.__path__, "AIImagingLogic."):
    if not module.name.startswith("AIImagingLogic.scene") and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(*sorted({"torch", "slicer", "vtk", "monai"} & set(sys.modules)))
"""
    assert _run(unpacked, code).strip() == ""


def test_command_line_of_the_wheel_answers(unpacked):
    code = """
from AIImagingLogic.cli import main
try:
    main(["--version"])
except SystemExit as end:
    assert end.code == 0
"""
    assert _run(unpacked, code).startswith("aiimaging ")
