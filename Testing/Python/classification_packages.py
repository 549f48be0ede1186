"""Classification packages for tests, and phantoms with a bright blob, or only a dim bar, at a place that is known.

The networks' weights are set by hand, so that what they answer, and why, is known and the same on every machine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGMA = 2.5
BLOB = 1.0
NOISE = 0.05
_KERNEL = 5
_THRESHOLD = 0.25
# From the average of a feature over the image to a score: a blob gives a few hundredths of one.
_SHARPNESS = 3000.0
_DOUBT = 4.0


def phantom(shape: Sequence[int], place: Sequence[float] | None, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return voxels of noise with a dim bar and, at the index `place`, a bright blob; None: no blob."""
    voxels = rng.normal(0, NOISE, tuple(shape))
    bar = int(rng.integers(1, shape[0] - 1))
    voxels[bar] += 0.3
    if place is not None:
        axes = np.meshgrid(*[np.arange(size) for size in shape], indexing="ij")
        square = sum((axis - at) ** 2 for axis, at in zip(axes, place, strict=True))
        voxels += BLOB * np.exp(-square / (2 * SIGMA**2))
    return voxels.astype(np.float32)


def grey_package(folder: Path, dimensions: int = 2, size: int = 32, **recipe: Any) -> Path:
    """Write a package with the classes 'Clear' and 'Blob' for images of grey values.

    The first feature is how much brighter than the threshold the surroundings of a voxel are, the second how much
    darker; a bar, which is thin, does not reach it.
    """
    import torch

    kernel = torch.ones((2, 1, *[_KERNEL] * dimensions)) / _KERNEL**dimensions
    kernel[1] *= -1
    first = (kernel, torch.tensor([-_THRESHOLD, _THRESHOLD]))
    last = (torch.tensor([[-_SHARPNESS, 1.0], [_SHARPNESS, 0.0]]), torch.tensor([_DOUBT, -_DOUBT]))
    described = {"channels": 1, "dimensions": dimensions, "size": [size] * dimensions, **recipe}
    return _package(folder, dimensions, first, last, described, ["Clear", "Blob"])


def colour_package(folder: Path, size: int = 32) -> Path:
    """Write a package that tells a red blob from a blue one: its features are how much a colour stands out."""
    import torch

    excess = torch.tensor([[1.0, -0.5, -0.5], [-0.5, -0.5, 1.0]])
    kernel = excess[:, :, None, None] * torch.ones(_KERNEL, _KERNEL) / _KERNEL**2
    first = (kernel, torch.full((2,), -0.15))
    last = (_SHARPNESS * torch.tensor([[-1.0, 1.0], [1.0, -1.0]]), torch.zeros(2))
    described = {
        "channels": 3,
        "dimensions": 2,
        "size": [size, size],
        "intensity": [{"step": "ScaleRange", "low": 0, "high": 255}],
    }
    return _package(folder, 2, first, last, described, ["Blue blob", "Red blob"])


def colours(shape: Sequence[int], place: Sequence[float], rng: np.random.Generator, red: bool) -> NDArray[np.float32]:
    """Return (3, *shape) in 0..255: a red or a blue blob on grey noise."""
    dark = [phantom(shape, None, rng) for _ in range(3)]
    dark[0 if red else 2] = phantom(shape, place, rng)
    return (np.clip(np.stack(dark) * 0.6 + 0.2, 0, 1) * 255).astype(np.float32)


def _package(folder: Path, dimensions: int, first: Any, last: Any, recipe: Any, classes: list[str]) -> Path:
    import torch
    from safetensors.torch import save_file

    channels = first[0].shape[1]
    convolution = f"Conv{dimensions}d"
    padded = {"kernel_size": _KERNEL, "stride": 2, "padding": _KERNEL // 2}
    layers: list[Any] = [
        [convolution, {"in_channels": channels, "out_channels": 2, **padded}],
        ["ReLU", {"inplace": True}],
        [convolution, {"in_channels": 2, "out_channels": 2, "kernel_size": 3, "padding": 1}],
        ["ReLU", {"inplace": True}],
        [f"AdaptiveAvgPool{dimensions}d", {"output_size": 1}],
        ["Flatten"],
        ["Linear", {"in_features": 2, "out_features": 2}],
    ]
    blur = torch.zeros((2, 2, *[3] * dimensions))
    for feature in range(2):
        blur[feature, feature] = 1 / 3**dimensions
    weights = {"0.weight": first[0], "0.bias": first[1], "2.weight": blur, "2.bias": torch.zeros(2)}
    weights |= {"6.weight": last[0], "6.bias": last[1]}
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "weights.safetensors")
    description = {
        "task": "classify",
        "card": {"name": f"{classes[1]} or not", "version": "1.0.0"},
        "network": {"layers": layers},
        "weights": "weights.safetensors",
        "recipe": recipe,
        "classes": classes,
    }
    (folder / "network.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def changed(package: Path, folder: Path, **changes: Any) -> Path:
    """Write a copy of a package with other entries in its network.json; a dict is merged into the one that is there."""
    import shutil

    shutil.copytree(package, folder)
    description = json.loads((folder / "network.json").read_text(encoding="utf-8"))
    for key, value in changes.items():
        merged = (
            {**description[key], **value}
            if isinstance(value, dict) and isinstance(description.get(key), dict)
            else value
        )
        description[key] = merged
    (folder / "network.json").write_text(json.dumps(description), encoding="utf-8")
    return folder
