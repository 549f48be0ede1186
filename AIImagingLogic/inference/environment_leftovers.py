"""Deletes what interrupted installations left behind, and nothing else."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from AIImagingLogic.inference.environment_folders import leftovers


def remove_leftovers(names: Sequence[str], folders: Sequence[Path] | None = None) -> tuple[str, ...]:
    """Delete leftovers of pip, and return the names of those that could not be deleted.

    Parameters
    ----------
    names
        As an examination found them. Whatever is not a leftover of that name is left alone.
    folders
        Where Python imports from; this Python's own path when None.
    """
    places = [Path(entry) for entry in sys.path if entry] if folders is None else list(folders)
    found = [path for path in leftovers([place for place in places if place.is_dir()]) if path.name in names]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            _delete_file(path)
    return tuple(path.name for path in found if path.exists())


def _delete_file(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        # In use or not ours to delete; the caller reports what is still there.
        return
