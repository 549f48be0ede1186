"""Where in the lungs a lesion lies: side, third, distance to the pleura."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.measure.diameters import SUPERIOR
from AIImagingLogic.measure.fine_patch import fine_patch, lung_mask
from AIImagingLogic.measure.subvoxel_outline import SubvoxelOutline
from AIImagingLogic.records.segmentation import Segmentation

SIDES = {"lung-left": "left", "lung-right": "right"}
FARTHEST_PLEURA_MM = 70.0
COARSE_MM = 2.0


def side_of(organs: Segmentation, point_mm: tuple[float, float, float]) -> str:
    """Return ``left`` or ``right``: the lung that holds the point, or the nearest one; empty when there is no lung."""
    nearest: dict[str, float] = {}
    for segment in organs.segments:
        side = SIDES.get(segment.concept.key)
        points = _lung_points(organs, segment.value) if side else np.empty((0, 3))
        if side and len(points):
            nearest[side] = float(np.linalg.norm(points - np.asarray(point_mm), axis=1).min())
    return min(nearest, key=lambda side: nearest[side]) if nearest else ""


def third_of(organs: Segmentation, side: str, point_mm: tuple[float, float, float]) -> str:
    """Return ``upper``, ``middle`` or ``lower``: thirds of equal height of the lung on that side, along the patient.

    Empty when that lung is not in the segmentation. In a scan that cuts the lung off, the thirds are of what is seen.
    """
    values = [segment.value for segment in organs.segments if SIDES.get(segment.concept.key) == side]
    points = _lung_points(organs, values[0]) if values else np.empty((0, 3))
    if not len(points):
        return ""
    heights = points @ SUPERIOR
    low, high = float(heights.min()), float(heights.max())
    share = (float(np.asarray(point_mm) @ SUPERIOR) - low) / max(high - low, 1e-6)
    return "lower" if share < 1 / 3 else "middle" if share < 2 / 3 else "upper"


def pleura_distance_mm(image: sitk.Image, organs: Segmentation, outline: SubvoxelOutline) -> float | None:
    """Return the shortest way from a lesion's surface to the border of the lung, mm; 0 where it touches.

    None when no border lies within 70 mm, or when the segmentation holds no lung.
    """
    if lung_mask(organs, organs.image[:1, :1, :1]) is None:
        return None
    fine = _gap_mm(outline.whole, outline.lung, outline.patch.spacing_mm)
    # The patch ends a few millimetres beyond the lesion; past that a coarse one is exact enough.
    if fine is not None and fine < 5.0:
        return fine
    center = outline.patch.point_mm(np.asarray(ndimage.center_of_mass(outline.whole)))
    coarse = fine_patch(image, organs, center, FARTHEST_PLEURA_MM, COARSE_MM)
    whole = coarse.sampled(outline.patch.as_image(outline.whole)) > 0.5
    return _gap_mm(whole, coarse.lung, COARSE_MM) if whole.any() else fine


def _gap_mm(whole: np.ndarray, lung: np.ndarray, spacing_mm: float) -> float | None:
    if lung.all():
        return None
    # From voxel centre to voxel centre: neighbours are one step apart and touch.
    return max(0.0, float(ndimage.distance_transform_edt(lung)[whole].min()) * spacing_mm - spacing_mm)


def _lung_points(organs: Segmentation, value: int) -> np.ndarray:
    """Return (n, 3) LPS mm of voxels of one label, about every third millimetre: enough for sides and heights."""
    image = organs.image
    steps = [max(1, int(3.0 / spacing)) for spacing in image.GetSpacing()]
    labels = sitk.GetArrayViewFromImage(image)[:: steps[2], :: steps[1], :: steps[0]]
    indices = np.argwhere(labels == value)[:, ::-1] * steps
    matrix = np.asarray(image.GetDirection()).reshape(3, 3) * np.asarray(image.GetSpacing())
    return np.asarray(indices @ matrix.T + np.asarray(image.GetOrigin()))
