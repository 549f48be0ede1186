"""Body of a CT: the patient with everything inside, without table, cushions and clothes."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.models.builtin.coarse_grid import FULL, coarse_copy, paint_membership
from AIImagingLogic.models.builtin.ct_air import TISSUE_HU, find_air
from AIImagingLogic.models.builtin.distances import Mask, Spacing, depth_in, distance_to
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segment, Segmentation

_GRID_SPACING_MM = 2.5
_TABLE_HALF_THICKNESS_MM = 6.0
_LEAST_SHARE = 0.05
_SKIN_HU = -700.0
"""Half way between skin with its fat and outside air is about here in an averaged voxel."""


class CTBody:
    """Outlines the body, learning-free: all that is not outside air, opened so that the table comes off."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def segment(self, image: sitk.Image, info: ImageInfo, progress: Progress) -> Segmentation:
        """Return the body (1) on exactly the grid of `image`.

        Parameters
        ----------
        image : CT in HU, any orientation; crops are fine, the body may be cut by any side of the image
        info : what is known of it
        progress : told of each step

        Raises
        ------
        WrongImageError
            The image shows no body.
        """
        progress.report(0.0, "Air")
        coarse = coarse_copy(image, _GRID_SPACING_MM)
        spacing_mm = coarse.GetSpacing()[::-1]
        hu = sitk.GetArrayViewFromImage(coarse)
        air = find_air(coarse)
        progress.report(0.4, "Table and body")
        body = _without_thin_parts(~air.outside & (hu >= TISSUE_HU), air.inside, spacing_mm)
        if not body.any():
            raise WrongImageError("The image shows no body.", "Choose a CT in Hounsfield units of a patient.")
        share = np.clip((hu - air.level_hu) / (2.0 * (_SKIN_HU - air.level_hu)), 0.0, 1.0)
        edge = ndimage.binary_dilation(body) & ~body
        membership = np.where(body, FULL, 0).astype(np.uint8)
        membership[edge] = np.minimum(share[edge] * FULL, FULL // 2 - 1).astype(np.uint8)
        progress.report(0.7, "Body on the image's grid")
        result = sitk.Image(image.GetSize(), sitk.sitkUInt8)
        result.CopyInformation(image)
        paint_membership(membership, coarse, result, 1)
        coded = concept("body")
        return Segmentation(result, (Segment(1, coded.name, coded, coded.colour),))


def _without_thin_parts(tissue: Mask, inner_air: Mask, spacing_mm: Spacing) -> Mask:
    """Return the thick parts of tissue, with the air they enclose.

    Arms, legs and breasts are thick; a table is two thin shells and its foam was outside air already.
    """
    solid = tissue | inner_air
    core = depth_in(solid, spacing_mm) > _TABLE_HALF_THICKNESS_MM
    labels, count = ndimage.label(core)
    if count == 0:
        return np.zeros_like(tissue)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept = (sizes > _LEAST_SHARE * sizes.max())[labels]
    return solid & (distance_to(kept, spacing_mm) <= _TABLE_HALF_THICKNESS_MM + max(spacing_mm))
