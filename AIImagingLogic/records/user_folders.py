"""Where AI Imaging keeps files of the user, by platform."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_NAME = "AIImaging"


def data_folder() -> Path:
    """Return the folder for what must last: kept results, logs."""
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Application Support"
    else:
        root = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return root / _NAME


def cache_folder() -> Path:
    """Return the folder for what can be fetched again: downloaded models."""
    if sys.platform == "win32":
        return data_folder() / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / _NAME
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _NAME
