"""DeepEdit bundles of MONAI: clicks become channels of guidance beside the image, a Gaussian at each.

The network sees the whole image stretched to a fixed size. It begins from the clicks alone and does not see the
outline so far.

References
----------
Diaz-Pinto A et al. DeepEdit: deep editable learning for interactive segmentation of 3D medical images. 2023,
arXiv:2305.10655.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.bundle_config.description import Component
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.formats.bundle_network import bundle_network
from AIImagingLogic.models.formats.bundle_parts import BundleParts, components, find_parts
from AIImagingLogic.models.interactive.point_session import Points, PointSession
from AIImagingLogic.models.interactive.ras_array import RasArray
from AIImagingLogic.models.safety.trust import package_hash, trusted
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress

_BACKGROUND = "background"
_SIGMA_VOXELS = 3.0
_ADVICE = "Get the bundle of the model zoo again, or import a bundle with a configuration of inference as it has."


class DeepEditRefiner:
    """Makes sessions; keeps the network.

    Parameters
    ----------
    card : of the bundle
    folder : of the bundle

    Raises
    ------
    ModelError
        It is no DeepEdit bundle of one object, its weights are missing or do not fit, or PyTorch or MONAI is not
        installed.
    UntrustedModel
        It needs code of its own.
    """

    def __init__(self, card: ModelCard, folder: Path) -> None:
        self.card = card
        parts = find_parts(folder)
        # Their order is that of the channels of guidance, their numbers are those of the channels that come out.
        self._labels = _label_names(parts)
        self._object = _only_object(self._labels, parts.name)
        self._size = _whole_numbers(parts, "spatial_size")
        self._range = intensity_range(parts)
        self._network = bundle_network(parts, trusted(package_hash(parts.folder)), [])

    def open(self, image: sitk.Image, info: ImageInfo, proposal: sitk.Image | None) -> PointSession:
        """Return a session on `image`: see `Refiner.open`."""
        import torch

        ras = RasArray(image)
        scaled = torch.from_numpy(scaled_to_unit(ras.voxels(), self._range))[None, None]
        seen = torch.nn.functional.interpolate(scaled, self._size, mode="area")[0, 0].numpy()

        def outline(inside: Points, outside: Points, progress: Progress) -> sitk.Image:
            progress.check_cancelled()
            return ras.back(self._probabilities(seen, ras, inside, outside))

        return PointSession(image, proposal, outline)

    def _probabilities(
        self, seen: NDArray[np.float32], ras: RasArray, inside: Points, outside: Points
    ) -> NDArray[np.float32]:
        import torch

        factor = np.array(self._size) / ras.shape
        shown = {self._object: ras.indices(inside), _BACKGROUND: ras.indices(outside)}
        channels = [seen]
        for label in self._labels:
            points = shown.get(label, np.zeros((0, 3)))
            # MONAI rounds the click to a voxel of the image, and cuts off after the stretch.
            channels.append(guidance((np.rint(points) * factor).astype(int), self._size))
        with torch.inference_mode():
            scores = self._network(torch.from_numpy(np.stack(channels))[None])
            shares = torch.softmax(scores.float(), dim=1)[:, [self._labels[self._object]]]
            stretched = torch.nn.functional.interpolate(shares, ras.shape, mode="trilinear", align_corners=False)
        values: NDArray[np.float32] = stretched[0, 0].numpy()
        return values


def guidance(points: NDArray[np.int64], size: Sequence[int]) -> NDArray[np.float32]:
    """Return the channel of guidance of clicks: a Gaussian of 3 voxels at each, 0 to 1; 0 everywhere without clicks.

    Parameters
    ----------
    points : (N, 3) voxels, in the order of the array; moved to the border when beside it
    size : of the array
    """
    import torch
    from monai.networks.layers import GaussianFilter

    signal = np.zeros(tuple(size), np.float32)
    if len(points):
        signal[tuple(np.clip(points, 0, np.array(size) - 1).T)] = 1.0
        smooth = GaussianFilter(3, sigma=_SIGMA_VOXELS)(torch.from_numpy(signal)[None, None])[0, 0].numpy()
        signal = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return signal


def intensity_range(parts: BundleParts) -> tuple[float, float]:
    """Return the grey values that a bundle scales to 0 and 1.

    Raises
    ------
    ModelError
        It does not say, or it scales to something else.
    """
    for identifier, content in components(parts.config):
        if str(content["_target_"]).endswith("ScaleIntensityRanged"):
            found: Any = parts.config.describe(identifier)
            values = dict(found.arguments) if isinstance(found, Component) else {}
            if (values.get("b_min"), values.get("b_max")) == (0, 1) and values.get("clip"):
                return float(values["a_min"]), float(values["a_max"])
    raise ModelError(f"The bundle '{parts.name}' does not say which grey values it takes.", _ADVICE)


def scaled_to_unit(values: NDArray[np.float32], limits: tuple[float, float]) -> NDArray[np.float32]:
    """Return grey values from 0 to 1, what lies outside the limits cut off."""
    low, high = limits
    return ((np.clip(values, low, high) - low) / (high - low)).astype(np.float32)


def _label_names(parts: BundleParts) -> dict[str, int]:
    named: Any = parts.config.describe("label_names") if "label_names" in parts.config else None
    if not isinstance(named, dict) or _BACKGROUND not in named:
        raise ModelError(f"The bundle '{parts.name}' does not name its labels as DeepEdit does.", _ADVICE)
    return {str(name): int(value) for name, value in named.items()}


def _only_object(labels: Iterable[str], name: str) -> str:
    objects = [label for label in labels if label != _BACKGROUND]
    if len(objects) != 1:
        raise ModelError(f"'{name}' outlines {len(objects)} objects at once.", "Use a DeepEdit bundle of one object.")
    return objects[0]


def _whole_numbers(parts: BundleParts, identifier: str) -> tuple[int, int, int]:
    found: Any = parts.config.describe(identifier) if identifier in parts.config else None
    if not isinstance(found, list) or len(found) != 3 or not all(isinstance(value, int) for value in found):
        raise ModelError(f"The bundle '{parts.name}' does not state its '{identifier}'.", _ADVICE)
    return found[0], found[1], found[2]
