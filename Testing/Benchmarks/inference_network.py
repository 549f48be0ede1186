"""The network of the inference benchmarks: a U-Net like the Model Zoo's for the spleen, trained on chest phantoms."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.inference.intensity import ScaleRange
from AIImagingLogic.inference.recipe import NetworkRecipe

SPACING_MM = (1.5, 1.5, 2.0)
WINDOW = (96, 96, 96)
OVERLAP = 0.5
HU = (-1000.0, 400.0)
CLASS_COUNTS = (2, 14)
_STEPS = {2: 60, 14: 70}
_PATCH = 48
_PHANTOMS = 1


def cache_folder() -> Path:
    """Return where weights and compiled networks stay between runs; $AIIMAGING_BENCHMARK_CACHE or a temporary one."""
    folder = Path(os.environ.get("AIIMAGING_BENCHMARK_CACHE", Path(tempfile.gettempdir()) / "aiimaging-benchmarks"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def recipe(classes: int) -> NetworkRecipe:
    """Return how the network is fed and read."""
    return NetworkRecipe(
        channels=1,
        output_channels=classes,
        values=tuple(range(classes)),
        axes="RAS",
        spacing_mm=SPACING_MM,
        intensity=((ScaleRange(*HU, 0.0, 1.0, clip=True),),),
        window=WINDOW,
        overlap=OVERLAP,
    )


def network_module(classes: int) -> Any:
    """Return the architecture, with random weights."""
    from monai.networks.nets import UNet

    return UNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=classes,
        channels=(16, 32, 64, 128, 256),
        strides=(2, 2, 2, 2),
        num_res_units=2,
        norm="batch",
    )


def trained_weights(classes: int) -> Path:
    """Return the file of weights, trained first where there is none: some minutes."""
    path = cache_folder() / f"chest_unet_{classes}.pt"
    if not path.is_file():
        _train(classes, path)
    return path


def load_network(classes: int) -> tuple[Any, str]:
    """Return the trained network and a hash of its weights."""
    import torch

    path = trained_weights(classes)
    module = network_module(classes)
    module.load_state_dict(torch.load(path, weights_only=True))
    return module.eval(), hashlib.sha256(path.read_bytes()).hexdigest()


def class_map(image: NDArray[np.float32], lungs: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Return the true class of each voxel of a phantom (k, j, i): lungs; or thirds of lungs, vessels and tissues."""
    if classes == 2:
        return (lungs > 0).astype(np.int64)
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(image, 1.0)
    labels = np.digitize(smooth, [-500.0, -20.0, 60.0, 200.0]).astype(np.int64)
    labels[labels > 0] += 8
    heights = np.flatnonzero((lungs > 0).any(axis=(1, 2)))
    third = np.clip((np.arange(len(lungs)) - heights[0]) * 3 // max(len(heights), 1), 0, 2)[:, None, None]
    labels = np.where(lungs == 1, 1 + third, np.where(lungs == 2, 4 + third, labels))
    dense = smooth > -500
    labels[(lungs == 1) & dense] = 7
    labels[(lungs == 2) & dense] = 8
    columns = np.flatnonzero((lungs > 0).any(axis=(0, 1)))
    between = np.zeros(lungs.shape, bool)
    quarter = (columns[-1] - columns[0]) // 4
    between[heights[0] : heights[-1] + 1, :, columns[0] + quarter : columns[-1] - quarter] = True
    labels[between & (lungs == 0) & (labels >= 9)] = 13
    return labels


def _phantoms(classes: int) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    from AIImagingLogic.images.phantoms.chest_pair import make_chest_pair
    from AIImagingLogic.images.phantoms.exam import tuning_recipe
    from AIImagingLogic.images.resample import resample_like, resample_to_spacing

    found = []
    for seed in range(_PHANTOMS):
        pair = make_chest_pair(tuning_recipe(seed))
        image = resample_to_spacing(sitk.Cast(pair.baseline, sitk.sitkFloat32), SPACING_MM)
        lungs = resample_like(pair.baseline_lungs, image, interpolation="nearest")
        oriented = [sitk.GetArrayFromImage(sitk.DICOMOrient(each, "LPS")) for each in (image, lungs)]
        truth = class_map(oriented[0], oriented[1], classes)
        # From arrays (k, j, i) that grow to the left and back to the network's R, A, S.
        turned = [each.transpose(2, 1, 0)[::-1, ::-1].copy() for each in (oriented[0], truth)]
        scaled = np.clip((turned[0] - HU[0]) / (HU[1] - HU[0]), 0, 1).astype(np.float32)
        found.append((scaled, turned[1]))
    return found


def _train(classes: int, path: Path) -> None:
    import torch

    torch.manual_seed(classes)
    random = np.random.default_rng(classes)
    data = _phantoms(classes)
    module = network_module(classes).train()
    steps = _STEPS[classes]
    optimizer = torch.optim.Adam(module.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    for step in range(steps):
        windows, truths = zip(*(_patch(data, random) for _ in range(2)))
        loss = torch.nn.functional.cross_entropy(
            module(torch.from_numpy(np.stack(windows))[:, None]), torch.from_numpy(np.stack(truths))
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 10 == 0:
            print(f"training, {classes} classes: step {step}, loss {loss.item():.3f}", file=sys.stderr, flush=True)
    temporary = path.with_suffix(".part")
    torch.save(module.state_dict(), temporary)
    temporary.replace(path)


def _patch(data: Any, random: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    image, truth = data[random.integers(len(data))]
    pads = [(0, max(_PATCH - size, 0)) for size in image.shape]
    image, truth = np.pad(image, pads), np.pad(truth, pads)
    corner = [int(random.integers(size - _PATCH + 1)) for size in image.shape]
    where = tuple(slice(start, start + _PATCH) for start in corner)
    return image[where], truth[where]


if __name__ == "__main__":
    for count in CLASS_COUNTS:
        trained_weights(count)
