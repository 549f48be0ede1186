"""Opening a panel imports no heavy package: Slicer's module selector never waits for one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from Testing.Host import reason_missing

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "monai", "scipy", "SimpleITK", "pydicom", "highdicom", "matplotlib", "jinja2")
OPEN = """
import sys
import slicer, slicer.util
from Testing.Host import running
with running() as host:
    before = set(sys.modules)
    host.open_module(sys.argv[1])
    print(sorted(set(sys.argv[2:]) & (set(sys.modules) - before)), sorted(set(sys.argv[2:]) & before))
"""

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))


@pytest.mark.parametrize("name", ["AISegmentation", "AIDetection", "AIClassification", "AIFollowUp", "AIModels"])
def test_opening_a_panel_imports_nothing_heavy(name: str) -> None:
    command = [sys.executable, "-c", OPEN, str(ROOT / "AIImaging" / name), *HEAVY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["[]", "[]"]
