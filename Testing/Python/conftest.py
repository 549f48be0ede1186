"""What the tests share: where the real images lie, skipping without them, and the panel of a test module."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _shared_data() -> Path:
    return Path(os.environ.get("AIIMAGING_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images; the test is skipped, and says so, where they are not."""
    folder = _shared_data()
    if not (folder / "MANIFEST.csv").exists():
        pytest.skip("The real images are not here (set AIIMAGING_SHARED_DATA).")
    return folder


@pytest.fixture
def setting(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The panel of the test module's `MODULE` with a job service of its own (`panel_setting.PanelSetting`)."""
    from panel_setting import panel_setting

    with panel_setting(request.module.MODULE, tmp_path, monkeypatch) as made:
        yield made
