"""What the tests share: where the real images lie, and skipping without them."""

from __future__ import annotations

import os
from pathlib import Path

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
