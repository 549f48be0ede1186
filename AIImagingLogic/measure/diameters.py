"""Long and short axis of a lesion on the best plane, measured between the voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from AIImagingLogic.measure.fine_patch import FinePatch

Point = tuple[float, float, float]
ROUNDING_MM = 0.4
SUPERIOR = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Diameters:
    """Long axis and the longest chord perpendicular to it on the same plane.

    Attributes
    ----------
    long_axis_mm, short_axis_mm : mm
    long_axis_ends_mm, short_axis_ends_mm : two end points each, LPS mm
    """

    long_axis_mm: float
    short_axis_mm: float
    long_axis_ends_mm: tuple[Point, Point]
    short_axis_ends_mm: tuple[Point, Point]

    @property
    def mean_mm(self) -> float:
        """Mean of both axes, the size of Lung-RADS v2022."""
        return 0.5 * (self.long_axis_mm + self.short_axis_mm)


def diameters(patch: FinePatch, region: np.ndarray, planes: Literal["axial", "any"] = "axial") -> Diameters | None:
    """Measure a region on the plane where its long axis is longest.

    Parameters
    ----------
    patch : isotropic patch that the region is drawn on
    region : (z, y, x) bool
    planes : ``axial``: only the planes of the image's grid nearest to axial, as RECIST 1.1 and Lung-RADS readers do;
        ``any``: those across each of the three axes of the grid

    Returns
    -------
    Diameters or None
        None for an empty region.
    """
    axial = axial_axis(patch)
    # The longest of many planes would pick the one with the most noise on its rim: round the rim off first.
    rounded = ndimage.gaussian_filter(region.astype(np.float32), ROUNDING_MM / patch.spacing_mm) > 0.5
    region = rounded if rounded.any() else region
    best: tuple[float, int, int, np.ndarray] | None = None
    for axis in range(3) if planes == "any" else (axial,):
        slices = np.moveaxis(region, axis, 0)
        for number in np.flatnonzero(slices.any(axis=(1, 2))):
            ends = _longest(_contour(slices[number]))
            length = float(np.linalg.norm(ends[1] - ends[0]))
            if best is None or length > best[0]:
                best = (length, axis, int(number), ends)
    if best is None:
        return None
    length, across, at, long_ends = best
    short_ends = _perpendicular(np.moveaxis(region, across, 0)[at], long_ends)
    return Diameters(
        length * patch.spacing_mm,
        float(np.linalg.norm(short_ends[1] - short_ends[0])) * patch.spacing_mm,
        _in_space(patch, long_ends, across, at),
        _in_space(patch, short_ends, across, at),
    )


def axial_axis(patch: FinePatch) -> int:
    """Return which (z, y, x) array axis of the patch runs nearest to head-foot."""
    direction = np.asarray(patch.image.GetDirection()).reshape(3, 3)
    return 2 - int(np.abs(SUPERIOR @ direction).argmax())


def _contour(plane: np.ndarray) -> np.ndarray:
    """Return (n, 2) points half way between voxels inside and outside, in plane indices."""
    padded = np.pad(plane, 1)
    points = []
    for axis in (0, 1):
        steps = np.argwhere(np.diff(padded.astype(np.int8), axis=axis) != 0) - 1.0
        steps[:, axis] += 0.5
        points.append(steps)
    return np.concatenate(points)


def _longest(points: np.ndarray) -> np.ndarray:
    """Return the two (2, 2) points farthest from each other."""
    try:
        corners = points[ConvexHull(points).vertices]
    except QhullError:
        corners = points
    between = np.linalg.norm(corners[:, None] - corners[None], axis=-1)
    first, second = np.unravel_index(int(between.argmax()), between.shape)
    return corners[[first, second]]


def _perpendicular(plane: np.ndarray, long_ends: np.ndarray) -> np.ndarray:
    """Return the ends (2, 2) of the longest chord perpendicular to the long axis."""
    along = (long_ends[1] - long_ends[0]) / max(float(np.linalg.norm(long_ends[1] - long_ends[0])), 1e-6)
    across = np.array([-along[1], along[0]])
    points = _contour(plane)
    position, height = (points - long_ends[0]) @ along, (points - long_ends[0]) @ across
    best = np.stack([long_ends[0], long_ends[0]])
    widest = 0.0
    for at in np.arange(0.5, float(np.linalg.norm(long_ends[1] - long_ends[0])), 0.5):
        # Contour points lie half a voxel or so apart: a strip of one voxel always holds both ends of the chord.
        strip = np.abs(position - at) <= 0.5
        if strip.sum() < 2:
            continue
        low, high = float(height[strip].min()), float(height[strip].max())
        if high - low > widest:
            widest = high - low
            foot = long_ends[0] + at * along
            best = np.stack([foot + low * across, foot + high * across])
    return best


def _in_space(patch: FinePatch, ends: np.ndarray, axis: int, number: int) -> tuple[Point, Point]:
    first, second = (patch.point_mm(np.insert(end, axis, number)) for end in ends)
    return first, second
