"""A layers model evaluated as its makers' page does it, layer by layer, with nothing of AI Imaging."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

# What brainchop's parameters say of each model: share of the range above which a voxel is content; None: all is seen.
_CONTENT = {"model5_gw_ae": 0.0, "model11_gw_ae": 0.0, "model18cls": 0.2, "mindgrab": None}
_SIDE, _MARGIN = 256, 18


def plain_labels(folder: Path, image: sitk.Image) -> NDArray[np.uint8]:
    """Return the labels of an image with voxels of 1 mm and values of 8 bits, on its own grid (k, j, i)."""
    axes, signs = _axes_lia(image)
    values = sitk.GetArrayFromImage(image).astype(np.float32)
    values = (values - values.min()) / (values.max() - values.min())
    turned = np.transpose(values, axes)[tuple(slice(None, None, sign) for sign in signs)]
    above = _CONTENT[folder.name]
    labels = np.zeros(turned.shape, np.uint8)
    if above is None:
        before = [(_SIDE - size) // 2 for size in turned.shape]
        padding = [(start, _SIDE - size - start) for start, size in zip(before, turned.shape)]
        whole = _network(folder, np.pad(turned, padding))
        labels[...] = whole[tuple(slice(start, start + size) for start, size in zip(before, turned.shape))]
    else:
        places = np.argwhere(turned > above)
        box = tuple(slice(low, high + 1) for low, high in zip(places.min(0), places.max(0)))
        content = turned[box]
        room = [min(2 * _MARGIN, max(_SIDE - size, 0)) for size in content.shape]
        padded = np.pad(content, [(total // 2, total - total // 2) for total in room])
        inner = tuple(slice(total // 2, total // 2 + size) for total, size in zip(room, content.shape))
        labels[box] = _network(folder, padded)[inner]
    parts, count = ndimage.label(labels > 0, np.ones((3, 3, 3)))
    if count > 1:
        labels[parts != 1 + np.argmax(np.bincount(parts.ravel())[1:])] = 0
    back = labels[tuple(slice(None, None, sign) for sign in signs)]
    return np.transpose(back, np.argsort(axes))


def _axes_lia(image: sitk.Image) -> tuple[list[int], list[int]]:
    """Return which array axis (k, j, i) runs left, inferior and anterior, and whether forwards (1) or back (-1)."""
    columns = np.array(image.GetDirection()).reshape(3, 3)
    axes, signs = [], []
    for world, sign in ((0, 1), (2, -1), (1, -1)):
        column = int(np.argmax(np.abs(columns[world])))
        axes.append(2 - column)
        signs.append(int(np.sign(columns[world, column])) * sign)
    return axes, signs


def _network(folder: Path, values: NDArray[np.float32]) -> NDArray[np.uint8]:
    import torch
    from torch.nn import functional

    model = json.loads((folder / "model.json").read_text())
    weights = _weights(folder, model)
    # Channels beside each other in memory is the quicker order on a CPU; the sums are the same.
    flow = torch.from_numpy(np.ascontiguousarray(values))[None, None]
    flow = flow.contiguous(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        for layer in model["modelTopology"]["model_config"]["config"]["layers"]:
            name, config = layer["name"], layer["config"]
            if layer["class_name"] == "Conv3D":
                kernel = weights[f"{name}/kernel"].permute(4, 3, 0, 1, 2).contiguous()
                dilation = config["dilation_rate"][0]
                reach = dilation * (config["kernel_size"][0] // 2)
                flow = functional.conv3d(flow, kernel, weights.get(f"{name}/bias"), padding=reach, dilation=dilation)
                if name.endswith("_gn"):
                    flow -= flow.mean((2, 3, 4), keepdim=True)
                    flow /= torch.sqrt((flow * flow).mean((2, 3, 4), keepdim=True) + 1e-5)
            elif layer["class_name"] == "Activation":
                flow = getattr(functional, config["activation"])(flow)
        return flow[0].argmax(0).numpy().astype(np.uint8)


def _weights(folder: Path, model: dict[str, Any]) -> dict[str, Any]:
    import torch

    (group,) = model["weightsManifest"]
    content = np.frombuffer(b"".join((folder / name).read_bytes() for name in group["paths"]), np.float32)
    weights, start = {}, 0
    for entry in group["weights"]:
        count = int(np.prod(entry["shape"]))
        weights[entry["name"]] = torch.from_numpy(content[start : start + count].reshape(entry["shape"]).copy())
        start += count
    return weights
