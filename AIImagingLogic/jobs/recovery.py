"""Results that could not be shown, kept as files: the scene was closed, an input was removed, Slicer is closing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from AIImagingLogic.records.atomic_files import make_folder, output_error
from AIImagingLogic.records.errors import OutputError, UnreadableImageError
from AIImagingLogic.records.user_folders import data_folder

if TYPE_CHECKING:
    from AIImagingLogic.records.json_form import Record

_RESULT = "result.json"
_ABOUT = "about.json"
_ABANDONED_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class RecoveredResult:
    """A result that was kept.

    Attributes
    ----------
    path : its folder
    title : of the job
    reason : why it was kept, one sentence
    record : class name, such as ``Segmentation``
    when : it was kept, local time; None when the entry is broken
    problem : what is wrong with the entry, empty for a good one
    """

    path: Path
    title: str
    reason: str
    record: str
    when: datetime | None
    problem: str = ""


def recovery_folder() -> Path:
    """Return $AIIMAGING_RECOVERY_FOLDER, else a folder in the user's data folder."""
    return Path(os.environ.get("AIIMAGING_RECOVERY_FOLDER") or data_folder() / "recovered")


def keep(result: Record, title: str, reason: str) -> Path:
    """Write a result into a folder of its own and return that folder. It appears whole or not at all.

    Raises
    ------
    OutputError
        The folder is not writable or the disk is full.
    """
    import uuid

    from AIImagingLogic.records.json_form import save_record

    root = make_folder(recovery_folder())
    _remove_abandoned(root)
    now = datetime.now()
    # The title may name a patient's image; a folder's name is seen by more people than its content.
    name = f"{now:%Y-%m-%d %H.%M.%S} {type(result).__name__} {uuid.uuid4().hex[:4]}"
    path, temporary = root / name, root / f".{name}"
    try:
        temporary.mkdir()
        save_record(result, temporary / _RESULT)
        about = {
            "title": title,
            "reason": reason,
            "record": f"{type(result).__module__}:{type(result).__qualname__}",
            "when": now.isoformat(timespec="seconds"),
            "files": _sizes(temporary),
        }
        (temporary / _ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.rename(path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return path


def recovered() -> tuple[RecoveredResult, ...]:
    """Return what was kept, the newest first; a broken entry with its problem. Imports nothing heavy."""
    root = recovery_folder()
    if not root.is_dir():
        return ()
    folders = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return tuple(_listed(path) for path in sorted(folders, key=lambda path: path.name, reverse=True))


def load_recovered(path: Path) -> Record:
    """Return the result that was kept in `path`.

    Raises
    ------
    UnreadableImageError
        It is not whole.
    """
    from AIImagingLogic.records.json_form import load_record

    entry = _listed(path)
    if entry.problem:
        raise UnreadableImageError(f"The kept result '{path}' cannot be read: {entry.problem}", "Discard it.")
    module, _, name = str(_about(path)["record"]).partition(":")
    try:
        kind: type[Record] = getattr(import_module(module), name)
        return load_record(kind, path / _RESULT)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError) as error:
        said = str(error).strip().splitlines()
        reason = said[-1] if said else type(error).__name__
        raise UnreadableImageError(f"The kept result '{path}' cannot be read: {reason}", "Discard it.") from error


def discard(path: Path) -> None:
    """Delete a kept result.

    Raises
    ------
    OutputError
        It is not one of the kept results, or cannot be deleted.
    """
    if path.resolve().parent != recovery_folder().resolve() or not path.is_dir():
        raise OutputError(f"'{path}' is not a kept result.", "Choose one of the list.")
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise output_error(path, error) from error


def _listed(path: Path) -> RecoveredResult:
    try:
        about = _about(path)
        problem = "" if _sizes(path) == about["files"] else "files are missing or cut off."
        record = str(about["record"]).partition(":")[2]
        if not str(about["record"]).startswith("AIImagingLogic."):
            problem = "it is of an unknown kind."
        when = datetime.fromisoformat(about["when"])
        return RecoveredResult(path, str(about["title"]), str(about["reason"]), record, when, problem)
    except (OSError, ValueError, KeyError, TypeError):
        return RecoveredResult(path, path.name, "", "", None, f"its {_ABOUT} is missing or damaged.")


def _about(path: Path) -> Mapping[str, Any]:
    about: Mapping[str, Any] = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
    return about


def _sizes(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != _ABOUT)
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _remove_abandoned(root: Path) -> None:
    """Remove what a process that was killed while it wrote left behind."""
    for path in root.glob(".*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(path)
