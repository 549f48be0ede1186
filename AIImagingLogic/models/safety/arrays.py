"""Arrays of NumPy files: numbers only, of the size that is really there."""

from __future__ import annotations

import io
import math
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.refusals import DOWNLOAD_AGAIN, UnsafeModel
from AIImagingLogic.models.safety.zip_members import checked_zip, read_member
from AIImagingLogic.records.errors import ModelError


def load_arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of an ``.npz`` file by name, or of an ``.npy`` file under ``""``.

    Raises
    ------
    UnsafeModel
        It holds objects (a pickle), declares more numbers than it holds, or is broken or absurdly large.
    ModelError
        It is missing.
    """
    if not path.is_file():
        raise ModelError(f"'{path}' is missing.", DOWNLOAD_AGAIN)
    if path.suffix.lower() == ".npy":
        with path.open("rb") as stream:
            return {"": _array(stream, path.stat().st_size, path.name)}
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    with checked_zip(path) as (archive, members):
        for name, member in members.items():
            place = f"{path.name}/{name}"
            if name.suffix != ".npy":
                raise UnsafeModel(f"'{place}' is no array.", "Do not use this package.")
            data = read_member(archive, member, limit("array_bytes"))
            arrays[str(name.with_suffix(""))] = _array(io.BytesIO(data), len(data), place)
    return arrays


def _array(stream: IO[bytes], size: int, place: str) -> np.ndarray[Any, Any]:
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(stream)
        declared = math.prod(int(length) for length in shape) * kind.itemsize
        if kind.hasobject or min(shape, default=0) < 0 or declared > size - stream.tell():
            raise UnsafeModel(f"'{place}' holds objects or declares {declared} bytes.", "Do not use this package.")
        stream.seek(0)
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
    except (ValueError, EOFError, OverflowError, TypeError, SyntaxError, MemoryError, TokenError) as error:
        raise UnsafeModel(f"'{place}' is not a whole array: {str(error)[:100]}.", DOWNLOAD_AGAIN) from error
