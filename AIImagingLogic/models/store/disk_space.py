"""Room on the disk of the store, asked before anything is written."""

from __future__ import annotations

import shutil
from pathlib import Path

from AIImagingLogic.records.errors import OutputError

# Left free, so that a download never fills the disk of the user to the last byte.
_SPARE = 64 << 20


def check_room(folder: Path, needed: int) -> None:
    """Refuse to write `needed` bytes under `folder` when the disk has no room for them.

    Raises
    ------
    OutputError
        It has not.
    """
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed + _SPARE > free:
        raise OutputError(
            f"Not enough room on the disk of '{folder}': {size_text(needed)} needed, {size_text(free)} free.",
            "Remove models or other files, or set AIIMAGING_MODELS to a folder on another disk.",
        )


def size_text(size: int) -> str:
    """Return a size for people, such as ``1.4 GB``."""
    if size < 1000:
        return f"{size} bytes"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5 or unit == "GB":
            return f"{value:.3g} {unit}" if value < 999.5 else f"{value:.0f} {unit}"
    raise AssertionError
