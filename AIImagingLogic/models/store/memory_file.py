"""What the store remembers between runs, in small JSON files that two processes may change at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from AIImagingLogic.models.store.lock import locked
from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress


def remembered(path: Path) -> dict[str, Any]:
    """Return the content of `path`; empty when there is none.

    Raises
    ------
    ModelError
        It is damaged. It is not silently begun anew: it holds the hashes that downloads are checked against.
    """
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if not isinstance(data, dict):
        raise _damaged(path)
    return data


def change(path: Path, lock: Path, edit: Callable[[dict[str, Any]], None], progress: Progress) -> None:
    """Change the content of `path` by `edit`, alone among all processes; it appears whole or not at all."""
    with locked(lock, progress):
        data = remembered(path)
        edit(data)
        with written_atomically(path) as temporary:
            temporary.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _damaged(path: Path) -> ModelError:
    return ModelError(f"'{path}' is damaged.", "Delete this file to begin it anew; models stay.")
