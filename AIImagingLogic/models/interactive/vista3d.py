"""The VISTA3D bundle of MONAI, by points alone: any object, in windows around the clicks.

The network sees voxels of 1.5 mm. Where there is an outline, only the parts of it that a click touches may change.

References
----------
He Y et al. VISTA3D: a unified segmentation foundation model for 3D medical imaging. CVPR 2025 (arXiv:2406.05285).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.formats.bundle_network import bundle_network
from AIImagingLogic.models.formats.bundle_parts import BundleParts, find_parts
from AIImagingLogic.models.interactive.deepedit import intensity_range, scaled_to_unit
from AIImagingLogic.models.interactive.point_session import Points, PointSession
from AIImagingLogic.models.interactive.ras_array import RasArray
from AIImagingLogic.models.safety.trust import package_hash, trusted
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress

# A class that the network was not trained on by name: its points are all that says what is meant.
_ANY_OBJECT = 133
_SURE = 9.0


class Vista3DRefiner:
    """Makes sessions; keeps the network.

    Parameters
    ----------
    card : of the bundle
    folder : of the bundle
    network : in the place of the bundle's own, with the same call

    Raises
    ------
    ModelError
        The weights are missing or do not fit, the configuration lacks something, or PyTorch or MONAI is not installed.
    UntrustedModel
        It needs code of its own.
    """

    def __init__(self, card: ModelCard, folder: Path, network: Any = None) -> None:
        self.card = card
        parts = find_parts(folder)
        self._range = intensity_range(parts)
        self._spacing = _three(parts, "resample_spacing")
        self._window = [int(value) for value in _three(parts, "patch_size")]
        self._network = bundle_network(parts, trusted(package_hash(parts.folder)), []) if network is None else network

    def open(self, image: sitk.Image, info: ImageInfo, proposal: sitk.Image | None) -> PointSession:
        """Return a session on `image`: see `Refiner.open`."""
        ras = RasArray(image, self._spacing)
        seen = scaled_to_unit(ras.voxels(), self._range)
        before = None if proposal is None else ras.voxels(sitk.Cast(proposal > 0, sitk.sitkUInt8)) >= 0.5

        def outline(inside: Points, outside: Points, progress: Progress) -> sitk.Image:
            progress.check_cancelled()
            return ras.back(self._probabilities(seen, before, ras.indices(inside), ras.indices(outside)))

        return PointSession(image, proposal, outline)

    def _probabilities(
        self, seen: NDArray[np.float32], before: NDArray[np.bool_] | None, inside: Points, outside: Points
    ) -> NDArray[np.float32]:
        import torch
        from monai.apps.vista3d.inferer import point_based_window_inferer

        top = np.array(seen.shape) - 1
        points = np.clip(np.rint(np.concatenate([inside, outside])), 0, top)
        labels = [1] * len(inside) + [0] * len(outside)
        previous = None
        if before is not None and before.any():
            previous = torch.from_numpy(np.where(before, _SURE, -_SURE).astype(np.float32))[None, None]
        with torch.inference_mode():
            scores = point_based_window_inferer(
                inputs=torch.from_numpy(seen)[None, None],
                roi_size=self._window,
                predictor=self._network,
                point_coords=torch.from_numpy(points)[None].float(),
                point_labels=torch.tensor([labels]),
                prompt_class=torch.tensor([[_ANY_OBJECT]]),
                prev_mask=previous,
                transpose=True,
            )
        logits = torch.as_tensor(scores)[0, 0].float()
        # Where no window was, nothing was found.
        values: NDArray[np.float32] = torch.nan_to_num(torch.sigmoid(logits), nan=0.0).cpu().numpy()
        return values


def _three(parts: BundleParts, identifier: str) -> tuple[float, float, float]:
    found: Any = parts.config.describe(identifier) if identifier in parts.config else None
    if not isinstance(found, list) or len(found) != 3 or not all(isinstance(value, (int, float)) for value in found):
        raise ModelError(
            f"The bundle '{parts.name}' does not state its '{identifier}'.", "Get VISTA3D of the model zoo again."
        )
    return float(found[0]), float(found[1]), float(found[2])
