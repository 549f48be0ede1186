"""A checkpoint of PyTorch or a safetensors file becomes plain data: tensors, numbers, text, lists and dictionaries."""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.pickle_scan import refuse_other_names, scan_pickle
from AIImagingLogic.models.safety.refusals import DOWNLOAD_AGAIN, UnsafeModel
from AIImagingLogic.models.safety.zip_members import checked_zip, read_member
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

_LEGACY_PICKLES = 5


def load_checkpoint(path: Path) -> Any:
    """Return what a checkpoint holds, with tensors on the CPU; no code of the file runs.

    Parameters
    ----------
    path : Path
        ``.safetensors``; or a file of ``torch.save`` under any name, of the zip form or the older one.

    Returns
    -------
    Any
        Dictionaries, lists, tuples, text, numbers and dense tensors.

    Raises
    ------
    UnsafeModel
        The file imports what is not data, is broken, or declares absurd sizes.
    ModelError
        The file is missing, empty or a TorchScript program.
    """
    if not path.is_file() or path.stat().st_size == 0:
        raise ModelError(f"The weights '{path}' are missing or empty.", DOWNLOAD_AGAIN)
    if path.suffix.lower() == ".safetensors":
        return _load_safetensors(path)
    _scan(path)
    return _checked_data(_load_torch(path), path.name)


def _load_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with path.open("rb") as stream:
        header = int.from_bytes(stream.read(8), "little")
        text = stream.read(header) if header <= limit("header_bytes") else b""
    if len(text) != header or header > path.stat().st_size:
        raise UnsafeModel(f"'{path.name}' declares a header of {header} bytes.", DOWNLOAD_AGAIN)
    try:
        json.loads(text)
        tensors: dict[str, Any] = load_file(path, device="cpu")
    except (SafetensorError, ValueError, RecursionError, KeyError, RuntimeError) as error:
        raise UnsafeModel(f"'{path.name}' is not a whole safetensors file: {error}.", DOWNLOAD_AGAIN) from error
    return tensors


def _scan(path: Path) -> None:
    names = load_resource("models_safety/pickle_names.json")
    allowed = {*names["tensors"], *names["numbers"]}
    with path.open("rb") as stream:
        # As PyTorch itself tells the two forms apart.
        zipped = stream.read(4) == b"PK\x03\x04"
    if zipped:
        _scan_zip(path, allowed)
    else:
        _scan_legacy(path, allowed)


def _scan_zip(path: Path, allowed: Set[str]) -> None:
    with checked_zip(path) as (archive, members):
        roots = {name.parts[0] for name in members}
        inside = {"/".join(name.parts[1:]): member for name, member in members.items()}
        if len(roots) != 1 or "data.pkl" not in inside:
            raise UnsafeModel(f"'{path.name}' is a zip archive, but not of torch.save.", DOWNLOAD_AGAIN)
        if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
            raise ModelError(f"'{path.name}' is a TorchScript program, not weights.", "Name it .ts in the package.")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members.values()):
            raise UnsafeModel(f"'{path.name}' is compressed, which torch.save never does.", DOWNLOAD_AGAIN)
        for name, member in inside.items():
            if name.endswith(".pkl"):
                place = f"{path.name}/{name}"
                refuse_other_names(
                    scan_pickle(read_member(archive, member, limit("pickle_bytes")), place), allowed, place
                )


def _scan_legacy(path: Path, allowed: Set[str]) -> None:
    with path.open("rb") as stream:
        data = stream.read(limit("pickle_bytes"))
    start = 0
    for _ in range(_LEGACY_PICKLES):
        contents = scan_pickle(data, path.name, start)
        refuse_other_names(contents, allowed, path.name)
        start += contents.size


def _load_torch(path: Path) -> Any:
    import numpy as np
    import torch

    inner = np._core.multiarray  # type: ignore[attr-defined]
    parts = {"scalar": inner.scalar, "_reconstruct": inner._reconstruct}
    safe: list[Any] = [
        (part, f"numpy.{core}.multiarray.{name}") for name, part in parts.items() for core in ("core", "_core")
    ]
    safe += [(np.dtype, "numpy.dtype"), (np.ndarray, "numpy.ndarray")]
    kinds = [getattr(np.dtypes, name) for name in np.dtypes.__all__ if name not in ("ObjectDType", "StringDType")]
    try:
        with torch.serialization.safe_globals([*safe, *kinds]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnsafeModel(
            f"'{path.name}' could not be read as weights: {_first_line(error)}.", DOWNLOAD_AGAIN
        ) from error
    except (EOFError, IndexError, OverflowError, MemoryError, RecursionError, OSError, AssertionError) as error:
        raise UnsafeModel(f"'{path.name}' is broken: {_first_line(error)}.", DOWNLOAD_AGAIN) from error


def _checked_data(value: Any, place: str, depth: int = 0) -> Any:
    import numpy as np
    import torch

    if depth > limit("pickle_depth"):
        raise UnsafeModel(f"'{place}' is nested too deeply.", "Do not use this package.")
    if isinstance(value, torch.Tensor):
        return _checked_tensor(value.detach(), place)
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        raise UnsafeModel(f"'{place}' holds an array of objects.", "Do not use this package.")
    if isinstance(value, Mapping):
        return {key: _checked_data(item, place, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple, torch.Size):
        return type(value)(_checked_data(item, place, depth + 1) for item in value)
    return value


def _checked_tensor(tensor: Any, place: str) -> Any:
    import torch

    dense = tensor.layout == torch.strided and not tensor.is_quantized and tensor.device.type == "cpu"
    # A view may repeat one number without end: its declared size would be allocated at the first use.
    if not dense or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise UnsafeModel(f"'{place}' holds a tensor that is not dense ({tuple(tensor.shape)}).", DOWNLOAD_AGAIN)
    return tensor


def _first_line(error: BaseException) -> str:
    # PyTorch's own advice, to load without its guard, is not passed on.
    found = re.search(r"WeightsUnpickler error:\s*(.+)", str(error))
    text = found[1] if found else str(error).strip() or type(error).__name__
    return text.splitlines()[0].strip().rstrip(".")[:200]
