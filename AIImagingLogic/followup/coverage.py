"""Whether a visit could have shown a lesion at a place: its field of view and its lungs."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.geometry import Points, grid_size, grid_spacing, index_to_world, world_to_index
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.records.timeline import Visit

_LUNGS = ("lung-left", "lung-right")


def not_covered(
    visit: Visit, position_mm: Points, radius_mm: float, error_mm: float, edge_mm: float = 0.0
) -> str | None:
    """Say in words why a lesion at a place could not have been seen at a visit, None when it could.

    Parameters
    ----------
    visit : its image's grid and organs are used
    position_mm : (3,) mm, LPS, in the space of the visit's image
    radius_mm : of the lesion, which must lie in the image as a whole
    error_mm : of the position; a place outside the lungs by no more than it and the radius counts as in them
    edge_mm : how far inside the image the whole lesion must lie: what the position may be off towards the edge
    """
    inside_mm = _depth_mm(visit, position_mm)
    if inside_mm < 0:
        return f"its place lies {-inside_mm:.0f} mm outside the image of the {visit.label}"
    if inside_mm < radius_mm + edge_mm:
        off = f" and what the registration may be off ({edge_mm:.1f} mm)" if edge_mm else ""
        return (
            f"its place lies {inside_mm:.1f} mm from the edge of the image of the {visit.label}, "
            f"less than its radius of {radius_mm:.1f} mm{off}"
        )
    if visit.organs is None:
        return None
    reach = radius_mm + error_mm
    if _lungs_within(visit.organs, position_mm, reach) is False:
        return f"its place lies more than {reach:.0f} mm outside the lungs that were outlined at the {visit.label}"
    return None


def _depth_mm(visit: Visit, position_mm: Points) -> float:
    """Return the distance to the nearest face of the image, negative outside it."""
    index = world_to_index(visit.info, position_mm)
    spacing = grid_spacing(visit.info)
    inner = np.minimum(index + 0.5, grid_size(visit.info) - 0.5 - index) * spacing
    outside = np.minimum(inner, 0.0)
    return float(inner.min()) if inner.min() >= 0 else -float(np.linalg.norm(outside))


def _lungs_within(organs: Segmentation, position_mm: Points, reach_mm: float) -> bool | None:
    """Whether a lung voxel lies within `reach_mm` of a place; None when no lungs were outlined."""
    values = [segment.value for segment in organs.segments if segment.concept.key in _LUNGS]
    if not values:
        return None
    image = organs.image
    center, half = world_to_index(image, position_mm), reach_mm / grid_spacing(image) + 1
    first = np.maximum(np.floor(center - half), 0).astype(int)
    last = np.minimum(np.ceil(center + half), grid_size(image) - 1).astype(int)
    if np.any(last < first):
        return False
    window = tuple(slice(a, b + 1) for a, b in zip(first[::-1], last[::-1]))
    lungs = np.argwhere(np.isin(sitk.GetArrayViewFromImage(image)[window], values))[:, ::-1] + first
    return bool(np.any(np.linalg.norm(index_to_world(image, lungs) - position_mm, axis=1) <= reach_mm))
