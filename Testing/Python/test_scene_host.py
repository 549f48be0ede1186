"""Without Slicer's classes, everything but scenes and pictures works, and the error says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.empty_scene import make_scene


def test_missing_host_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "slicer", None)
    with pytest.raises(SceneError, match=r"'slicer' is not installed.*aiimaging\[host\]"):
        make_scene()


def test_scene_modules_are_imported_without_loading_the_host() -> None:
    code = (
        "import sys, AIImagingLogic.scene.follow_up_scene, AIImagingLogic.scene.pictures, AIImagingLogic.scene.save;"
        "sys.exit(any(name.split('.')[0] in ('slicer', 'vtk', 'vtkmodules', 'matplotlib') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
