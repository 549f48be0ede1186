"""An output folder that appears whole, or not at all."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from AIImagingLogic.records.atomic_files import make_folder, output_error
from AIImagingLogic.records.errors import OutputError

MARK = "result.json"


@contextlib.contextmanager
def whole_folder(path: Path, overwrite: bool, mark: str = MARK) -> Iterator[Path]:
    """Give a temporary folder beside `path`; it becomes `path` when the block ends well, and vanishes otherwise.

    A folder that is already there is replaced only with `overwrite`, and only when it holds `mark`, so that nothing
    but an earlier result can be lost.

    Raises
    ------
    OutputError
        `path` is taken, not writable, or the disk is full.
    """
    path = Path(path).absolute()
    _check_free(path, overwrite, mark)
    make_folder(path.parent)
    if path.exists():
        # It would be replaced; one that may not be written to is meant to stay.
        make_folder(path)
    temporary = path.parent / f".{path.name}-{uuid.uuid4().hex[:8]}"
    make_folder(temporary)
    try:
        yield temporary
        _replace(temporary, path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_free(path: Path, overwrite: bool, mark: str) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        raise OutputError(f"'{path}' is a file, not a folder.", "Name another output folder.")
    if not any(path.iterdir()):
        return
    if not overwrite:
        raise OutputError(f"'{path}' is not empty.", "Name another output folder, or add --overwrite.")
    if not (path / mark).exists():
        raise OutputError(f"'{path}' holds something else than an earlier result.", "Name another output folder.")


def _replace(temporary: Path, path: Path) -> None:
    if not path.exists():
        temporary.rename(path)
        return
    old = path.parent / f".{path.name}-{uuid.uuid4().hex[:8]}-old"
    path.rename(old)
    try:
        temporary.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
