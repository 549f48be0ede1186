"""The lungs of a real CT, roughly, and places in them: for making a second visit out of one."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_erosion, label, uniform_filter

from AIImagingLogic.records.errors import WrongImageError

_AIR_HU = -500
_OUTER_AIR_HU = -950
_FREE_OF_VESSELS_HU = -760
_SMALLEST_LUNG_MM3 = 2e5


def rough_lungs(image: sitk.Image) -> NDArray[np.bool_]:
    """Return the aerated lungs (k, j, i) with the vessels in them, without the outer millimetres.

    Raises
    ------
    WrongImageError
        It shows no lung.
    """
    voxels = sitk.GetArrayViewFromImage(image)
    labels, count = label(voxels < _AIR_HU)
    flat = labels.ravel()
    sizes = np.bincount(flat, minlength=count + 1)
    means = np.bincount(flat, weights=voxels.ravel(), minlength=count + 1) / np.maximum(sizes, 1)
    # A cropped lung may reach the image's side, so what tells lung from the air around the patient is its density.
    kept = (sizes * np.prod(image.GetSpacing()) >= _SMALLEST_LUNG_MM3) & (means > _OUTER_AIR_HU)
    kept[0] = False
    if not kept.any():
        raise WrongImageError("The image shows no lung.", "Use a chest CT in Hounsfield units.")
    closed = binary_closing(kept[labels], np.ones((3, 5, 5)), iterations=1)
    inside: NDArray[np.bool_] = binary_erosion(closed, iterations=2)
    return inside


def free_places(
    image: sitk.Image, lungs: NDArray[np.bool_], radius_mm: float, random: np.random.Generator, count: int
) -> NDArray[np.float64]:
    """Return up to `count` random points (n, 3) LPS mm with aerated lung, no larger vessel, within `radius_mm`."""
    spacing = np.array(image.GetSpacing())[::-1]
    window = np.maximum(np.round(2.2 * radius_mm / spacing).astype(int), 1)
    mean = uniform_filter(sitk.GetArrayViewFromImage(image).astype(np.float32), size=tuple(window), mode="nearest")
    whole = uniform_filter(lungs.astype(np.float32), size=tuple(window), mode="constant") > 0.999
    cells = np.argwhere(whole & (mean < _FREE_OF_VESSELS_HU))
    return points_of_cells(image, cells[random.permutation(len(cells))[:count]])


def points_of_cells(image: sitk.Image, cells: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the LPS mm of voxels given as rows (k, j, i)."""
    direction = np.array(image.GetDirection()).reshape(3, 3)
    points: NDArray[np.float64] = np.array(image.GetOrigin()) + (cells[:, ::-1] * image.GetSpacing()) @ direction.T
    return points
