"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import uuid
from collections.abc import Iterator
from pathlib import Path

from AIImagingLogic.records.errors import OutputError


@contextlib.contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary path with the same extension in the same folder; move it into place when the block ends well.

    The extension is kept whole (``.seg.nrrd``, ``.nii.gz``) because writers choose the format by it.

    Raises
    ------
    OutputError
        The folder is not writable or the disk is full. Nothing is left behind.
    """
    temporary = path.parent / f".{uuid.uuid4().hex[:8]}-{path.name}"
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise output_error(path, error) from error
    except RuntimeError as error:
        # ITK and VTK writers raise RuntimeError for a full disk and for a folder that is not writable.
        raise OutputError(f"Could not write '{path}': {_last_line(error)}", _ADVICE) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def make_folder(path: Path) -> Path:
    """Make the output folder `path` and check that it can be written to.

    Raises
    ------
    OutputError
        It is a file, cannot be made, or is not writable.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{uuid.uuid4().hex[:8]}-writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise output_error(path, error) from error
    return path


def output_error(path: Path, error: OSError) -> OutputError:
    """Return the error to show when the system refused to write `path`."""
    if error.errno == errno.ENOSPC:
        return OutputError(f"The disk is full: '{path}' could not be written.", "Free some space and run again.")
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return OutputError(f"'{path}' is a file, not a folder.", "Name another output folder.")
    return OutputError(f"Could not write '{path}': {error.strerror or error}.", _ADVICE)


_ADVICE = "Check that the folder exists, is writable and has free space."


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip() if str(error).strip() else type(error).__name__
