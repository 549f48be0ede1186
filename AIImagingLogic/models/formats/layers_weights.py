"""Weights of a TensorFlow.js layers model: the manifest in model.json and the binary files that it names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.models.formats.package_files import file_in_package
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

_STORED = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint8": "u1", "uint16": "<u2", "bool": "u1"}
_BROKEN = "The package is damaged or not a TensorFlow.js layers model; get it again."


def read_layers_weights(folder: Path, manifest: Any) -> dict[str, NDArray[np.float32]]:
    """Return every weight by its name, float32, in Keras' axis order (channels last).

    Parameters
    ----------
    folder : of the package; every file must lie in it
    manifest : `weightsManifest` of model.json; weights stored as uint8, uint16 or float16 are scaled back

    Raises
    ------
    ModelError
        A file is missing, lies outside the package, or its size is not what the manifest declares.

    References
    ----------
    TensorFlow.js, tfjs-core `io/types.ts`: WeightsManifestConfig, WeightsManifestEntry.
    """
    if not isinstance(manifest, list) or not manifest:
        raise ModelError("model.json has no weights manifest.", _BROKEN)
    weights: dict[str, NDArray[np.float32]] = {}
    for group in manifest:
        paths, entries = group.get("paths"), group.get("weights")
        if not isinstance(paths, list) or not isinstance(entries, list):
            raise ModelError("The weights manifest of model.json lacks paths or weights.", _BROKEN)
        files = [file_in_package(folder, name) for name in paths]
        sizes = [_stored_bytes(entry) for entry in entries]
        held = sum(path.stat().st_size for path in files)
        if held != sum(sizes) or held > load_resource("model_formats/layers.json")["limits"]["weight_bytes"]:
            raise ModelError(
                f"The weights in {', '.join(path.name for path in files)} are {held} bytes; "
                f"model.json declares {sum(sizes)}.",
                _BROKEN,
            )
        content = b"".join(path.read_bytes() for path in files)
        start = 0
        for entry, size in zip(entries, sizes, strict=True):
            if entry["name"] in weights:
                raise ModelError(f"The weight '{entry['name']}' is declared twice in model.json.", _BROKEN)
            weights[entry["name"]] = _decoded(entry, content[start : start + size])
            start += size
    return weights


def _stored_type(entry: Mapping[str, Any]) -> str:
    quantisation = entry.get("quantization")
    stored = quantisation.get("dtype") if isinstance(quantisation, dict) else entry.get("dtype")
    if stored not in _STORED:
        raise ModelError(f"The weight '{entry.get('name')}' has the type '{stored}', which is not read.", _BROKEN)
    return _STORED[stored]


def _stored_bytes(entry: Any) -> int:
    shape = entry.get("shape") if isinstance(entry, dict) else None
    named = isinstance(entry, dict) and isinstance(entry.get("name"), str)
    if not named or not isinstance(shape, list) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ModelError("A weight of model.json has no name or no sane shape.", _BROKEN)
    return math.prod(shape) * np.dtype(_stored_type(entry)).itemsize


def _decoded(entry: Mapping[str, Any], content: bytes) -> NDArray[np.float32]:
    stored = np.frombuffer(content, _stored_type(entry)).astype(np.float32)
    quantisation = entry.get("quantization")
    if isinstance(quantisation, dict) and "scale" in quantisation:
        stored = stored * np.float32(quantisation["scale"]) + np.float32(quantisation.get("min", 0.0))
    if not np.isfinite(stored).all():
        raise ModelError(f"The weight '{entry['name']}' holds values that are not numbers.", _BROKEN)
    return stored.reshape(entry["shape"])
