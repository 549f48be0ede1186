"""An outline grown into what lies next to it and looks like it."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.builtin.outline_tools.masks import flags, mask_like, spacing_kji
from AIImagingLogic.records.errors import GeometryError

REACH_MM = 15.0
_SPREAD = 2.5
_MAD_TO_SD = 1.4826


def grow_alike(image: sitk.Image, mask: sitk.Image, reach_mm: float = REACH_MM) -> sitk.Image:
    """Add the voxels that are joined to an outline, near it and of its brightness.

    Of its brightness is what lies within 2.5 robust standard deviations (1.4826 times the median absolute deviation) of
    the median inside. A neck of less than five voxels does not join.

    Parameters
    ----------
    image : 3D
    mask : on its grid, 0 outside
    reach_mm : how far from the outline

    Returns
    -------
    sitk.Image
        uint8, 1 in the grown outline.

    Raises
    ------
    GeometryError
        The outline is empty.
    """
    from scipy import ndimage

    voxels, inside = sitk.GetArrayViewFromImage(image).astype(np.float32), flags(mask)
    if not inside.any():
        raise GeometryError("There is no outline to grow.", "Click in the object first.")
    middle = float(np.median(voxels[inside]))
    spread = _MAD_TO_SD * float(np.median(np.abs(voxels[inside] - middle)))
    near = ndimage.distance_transform_edt(~inside, sampling=spacing_kji(mask)) <= reach_mm
    alike = near & (np.abs(voxels - middle) <= _SPREAD * max(spread, 1e-6))
    # Noise makes holes in what looks alike, so means of neighbours are compared; the rim, whose means hold what lies
    # beside it, comes after.
    width = [min(3, count) for count in voxels.shape]
    core = near & (np.abs(ndimage.uniform_filter(voxels, width) - middle) <= _SPREAD * max(spread, 1e-6))
    core = ndimage.binary_opening(core, np.ones(width, dtype=bool)) | inside
    labels, _count = ndimage.label(core)
    kept = np.unique(labels[inside])
    grown = np.isin(labels, kept)
    grown |= ndimage.binary_dilation(grown, np.ones((3, 3, 3), dtype=bool)) & alike
    return mask_like(grown, mask)
