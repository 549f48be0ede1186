"""A network of two input images whose labels tell which image was given as which, written as a package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

BRIGHT = 100
FIRST = (slice(4, 12), slice(6, 20), slice(8, 16))
"""Of the first image, (k, j, i): bright."""
SECOND = (slice(8, 18), slice(10, 14), slice(3, 21))
"""Of the second image, (k, j, i): bright."""
SIZE = (22, 24, 26)


def write_two_input_package(folder: Path) -> Path:
    """Write a network that labels 1 what is bright in the first image alone, and 2 what is bright in the second."""
    import torch

    net = torch.nn.Conv3d(2, 3, 1)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[0.0, 0], [1, -1], [0, 1]])[..., None, None, None])
        net.bias.copy_(torch.tensor([0, -0.5, -0.5]))
    folder.mkdir(parents=True)
    torch.jit.save(torch.jit.trace(net.eval(), torch.zeros(1, 2, 8, 8, 8)), str(folder / "net.ts"))
    scaled: list[dict[str, Any]] = [{"step": "ScaleRange", "low": 0, "high": BRIGHT, "clip": True}]
    description = {
        "name": "Two inputs",
        "kind": "torchscript",
        "weights": "net.ts",
        "recipe": {"channels": 2, "output_channels": 3, "axes": "RAS", "intensity": [scaled, scaled]},
        "labels": [{"value": 1, "name": "First alone"}, {"value": 2, "name": "Second"}],
    }
    (folder / "network.json").write_text(json.dumps(description))
    return folder


def two_images() -> tuple[sitk.Image, sitk.Image]:
    """Return the two images, on one grid with flipped axes."""
    return _image(FIRST), _image(SECOND)


def expected_labels() -> np.ndarray:
    """Return the labels of `two_images`, (k, j, i)."""
    labels = np.zeros(SIZE, np.uint8)
    labels[FIRST] = 1
    labels[SECOND] = 2
    return labels


def _image(bright: tuple[slice, slice, slice]) -> sitk.Image:
    voxels = np.zeros(SIZE, np.int16)
    voxels[bright] = BRIGHT
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((1.0, 1.5, 2.0))
    image.SetOrigin((-20.0, 35.0, -90.0))
    image.SetDirection((-1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0))
    return image
