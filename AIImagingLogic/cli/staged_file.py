"""An output file, and the folder of images that belongs to it, that appear whole or not at all."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from AIImagingLogic.records.atomic_files import make_folder, output_error
from AIImagingLogic.records.errors import OutputError

_IMAGES = ".nrrd"


@contextlib.contextmanager
def staged_file(path: Path, overwrite: bool) -> Iterator[Path]:
    """Give a path of the same name in a temporary folder; all that is written there moves beside `path` at the end.

    Raises
    ------
    OutputError
        `path` is there and `overwrite` is not given; a folder of its name holds other things than images; or the
        folder is not writable or the disk is full. Nothing is left behind then.
    """
    path = Path(path).absolute()
    beside = path.with_suffix("")
    if path.is_dir():
        raise OutputError(f"'{path}' is a folder.", "Name a file.")
    if path.exists() and not overwrite:
        raise OutputError(f"'{path}' is there already.", "Name another file, or add --overwrite.")
    make_folder(path.parent)
    temporary = path.parent / f".{path.name}-{uuid.uuid4().hex[:8]}"
    try:
        temporary.mkdir()
        yield temporary / path.name
        made = temporary / beside.name
        if made.is_dir():
            _check_images(beside, path.exists())
        _replace(made, beside, temporary)
        (temporary / path.name).replace(path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_images(folder: Path, of_earlier_file: bool) -> None:
    if not folder.exists():
        return
    ours = folder.is_dir() and all(entry.suffix == _IMAGES for entry in folder.iterdir())
    if not (ours and of_earlier_file):
        raise OutputError(f"'{folder}' is there already, and the images would go there.", "Name another file.")


def _replace(made: Path, place: Path, temporary: Path) -> None:
    """Put a new folder, where there is one, into the place of the earlier one, which goes with the temporary folder."""
    if not made.is_dir():
        return
    if place.exists():
        place.rename(temporary / "earlier")
    made.rename(place)
