"""An outline smoothed in such a way that its border moves onto edges of the image nearby."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.outline_tools.masks import flags, mask_like, spacing_kji
from AIImagingLogic.records.errors import GeometryError

RADIUS_MM = 3.0
_EVIDENCE_WEIGHT = 1.5
_NOISE_WEIGHT = 2.0
_MAD_TO_SD = 1.4826


def smooth_to_edge(image: sitk.Image, mask: sitk.Image, radius_mm: float = RADIUS_MM) -> sitk.Image:
    """Smooth an outline, and let its border follow the image where inside and outside differ.

    Near the border, each voxel is compared with the mean inside and the mean outside around it. Where these two differ
    by more than noise, the likeness decides; where they do not, the smoothed outline does.

    Parameters
    ----------
    image : 3D
    mask : on its grid, 0 outside
    radius_mm : the border moves no farther

    Returns
    -------
    sitk.Image
        uint8, 1 in the outline.

    Raises
    ------
    GeometryError
        The outline is empty.

    References
    ----------
    Lankton S, Tannenbaum A. IEEE Trans Image Process 2008;17:2029-2039 (means of a neighbourhood instead of the whole).
    """
    from scipy import ndimage

    inside, spacing = flags(mask), spacing_kji(mask)
    if not inside.any():
        raise GeometryError("There is no outline to smooth.", "Click in the object first.")
    # Twice as far on either side as the border may move, so that the means are of what is surely in and surely out.
    width = [2 * max(1, round(2 * radius_mm / step)) + 1 for step in spacing]

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(ndimage.uniform_filter(values, width, mode="nearest"), dtype=np.float32)

    outward = ndimage.distance_transform_edt(~inside, sampling=spacing)
    inward = ndimage.distance_transform_edt(inside, sampling=spacing)
    band = (outward <= radius_mm) & (inward <= radius_mm)
    voxels, weight = sitk.GetArrayViewFromImage(image).astype(np.float32), inside.astype(np.float32)
    share = np.clip(mean(weight), 1e-3, 1 - 1e-3)
    bright = mean(voxels * weight)
    within, beyond = bright / share, (mean(voxels) - bright) / (1 - share)
    contrast = within - beyond
    noise = _NOISE_WEIGHT**2 * _noise_variance(voxels, band)
    evidence = np.clip(2 * (voxels - (within + beyond) / 2) * contrast / (contrast**2 + noise), -1, 1)
    evidence = ndimage.gaussian_filter(evidence, [radius_mm / 4 / step for step in spacing], mode="nearest")
    smooth = 2 * ndimage.gaussian_filter(weight, [radius_mm / 2 / step for step in spacing], mode="nearest") - 1
    return mask_like(np.where(band, smooth + _EVIDENCE_WEIGHT * evidence > 0, inside), mask)


def _noise_variance(voxels: NDArray[np.float32], band: NDArray[np.bool_]) -> float:
    """Return the variance of noise, from how voxels differ from the mean of those around them."""
    from scipy import ndimage

    width = [min(3, count) for count in voxels.shape]
    differences = (voxels - ndimage.uniform_filter(voxels, width, mode="nearest"))[band]
    spread = _MAD_TO_SD * float(np.median(np.abs(differences - np.median(differences))))
    return max(spread**2, 1e-6)
