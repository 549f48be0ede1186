"""MONAI bundles for tests, and phantoms to run them on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

NETWORK: dict[str, Any] = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "channels": [4, 8, 8],
    "strides": [2, 2],
    "norm": "batch",
}
BEFORE: list[dict[str, Any]] = [
    {"_target_": "LoadImaged", "keys": "image"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
    {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
    {"_target_": "Spacingd", "keys": "image", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"},
    *(
        {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1}
        | {"clip": True},
    ),
    {"_target_": "EnsureTyped", "keys": "image"},
]
INVERT = {
    "_target_": "Invertd",
    "keys": "pred",
    "transform": "@before",
    "orig_keys": "image",
    "nearest_interp": False,
    "to_tensor": True,
}
AFTER: list[dict[str, Any]] = [
    {"_target_": "Activationsd", "keys": "pred", "softmax": True},
    INVERT,
    {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
    {"_target_": "SaveImaged", "keys": "pred", "output_dir": "$@bundle_root + '/eval'"},
]
INFERER: dict[str, Any] = {
    "_target_": "SlidingWindowInferer",
    "roi_size": [24, 24, 16],
    "sw_batch_size": 2,
    "overlap": 0.5,
}


def write_bundle(
    folder: Path,
    network: dict[str, Any] | None = None,
    before: list[Any] | None = None,
    after: list[Any] | None = None,
    inferer: dict[str, Any] | None = None,
    labels: tuple[str, ...] = ("background", "liver", "spleen"),
    weights: bool = True,
    **more: Any,
) -> Path:
    """Write a bundle whose parts have other names than usual; its weights are random, the same every time."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    network = network or NETWORK
    channels = network.get("in_channels", 1)
    content: dict[str, Any] = {
        "imports": ["$import torch"],
        "bundle_root": ".",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "body": network,
        "net": "$@body.to(@device)",
        "before": {"_target_": "Compose", "transforms": BEFORE if before is None else before},
        "data": {"_target_": "Dataset", "data": [], "transform": "@before"},
        "loader": {"_target_": "DataLoader", "dataset": "@data", "batch_size": 1},
        "windows": inferer or INFERER,
        "after": {"_target_": "Compose", "transforms": AFTER if after is None else after},
        "run": {
            "_target_": "SupervisedEvaluator",
            "network": "@net",
            "inferer": "@windows",
            "postprocessing": "@after",
        },
        **more,
    }
    metadata = {
        "name": "Test organs",
        "version": "0.1.0",
        "network_data_format": {
            "inputs": {"image": {"num_channels": channels, "modality": "CT"}},
            "outputs": {
                "pred": {"num_channels": len(labels), "channel_def": {str(n): label for n, label in enumerate(labels)}}
            },
        },
    }
    (folder / "configs" / "inference.json").write_text(json.dumps(content))
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    if weights:
        write_weights(folder, network)
    return folder


def write_weights(folder: Path, network: dict[str, Any]) -> None:
    """Write random weights that fit; the last layer's bias makes that no class wins everywhere."""
    import torch
    from monai.networks import nets

    torch.manual_seed(3)
    arguments = {key: value for key, value in network.items() if key != "_target_"}
    module = getattr(nets, network["_target_"])(**arguments).eval()
    if network == NETWORK:
        voxels = sitk.GetArrayFromImage(organ_phantom())[:20, :36, :40].transpose(2, 1, 0)
        sample = torch.from_numpy((voxels.copy() + 57) / 221).clip(0, 1)[None, None]
        last = [value for value in module.parameters() if value.shape == (3,)][-1]
        with torch.inference_mode():
            given = module(sample)
        with torch.no_grad():
            last -= given.flatten(2).median(2).values[0]
    torch.save(module.state_dict(), folder / "models" / "model.pt")


def organ_phantom(oblique: bool = True) -> sitk.Image:
    """Return a CT of three soft blobs off the centre; oblique, anisotropic, the second axis flipped."""
    size = np.array([44, 38, 22])
    k, j, i = np.meshgrid(*[np.arange(n) for n in size[::-1]], indexing="ij")
    voxels = np.full(size[::-1], -80.0)
    for centre, radius, value in (((12, 20, 8), 9, 180), ((30, 12, 14), 6, 230), ((26, 28, 5), 7, 120)):
        distance = np.sqrt((i - centre[0]) ** 2 + (j - centre[1]) ** 2 + ((k - centre[2]) * 1.8) ** 2)
        voxels += value / (1 + np.exp((distance - radius) * 0.9))
    image = sitk.GetImageFromArray(voxels.astype(np.float32))
    image.SetSpacing((1.1, 1.3, 2.6))
    image.SetOrigin((-31, 12, 80))
    turned = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.15, 0.25).GetMatrix()).reshape(3, 3)
    direction = (turned if oblique else np.eye(3)) @ np.diag([1.0, -1.0, 1.0])
    image.SetDirection(direction.ravel())
    return image
