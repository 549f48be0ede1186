"""A nodule sampled finely inside its lung: its stated size, and what a point spread function makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from AIImagingLogic.images.phantoms.nodule_shape import NoduleShape
from AIImagingLogic.images.phantoms.plane_axes import longest_plane_axes
from AIImagingLogic.images.phantoms.truth import LesionAtVisit

LungDistance = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Signed distance (mm, negative inside) of points (..., 3) LPS mm from the border of the lung."""

_STEPS_A_RADIUS = 14
_LARGEST_STEP_MM = 0.4
_SMALLEST_STEP_MM = 0.12
_MARGIN_SIGMAS = 4.0


@dataclass(frozen=True)
class FineNodule:
    """The share of each fine cell that the nodule, and its solid core, fill.

    Attributes
    ----------
    whole, core : (k, j, i) 0..1, sampled every `step_mm` along the grid's axes
    origin_mm : (3,) first cell's centre, in grid mm (see `Scan.to_grid`)
    """

    whole: NDArray[np.float32]
    core: NDArray[np.float32]
    origin_mm: NDArray[np.float64]
    step_mm: float

    @property
    def volume_mm3(self) -> float:
        """Volume of the whole."""
        return float(self.whole.sum(dtype=np.float64)) * self.step_mm**3

    def share(
        self, part: NDArray[np.float32], xs: NDArray[np.float32], ys: NDArray[np.float32], zs: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return `part` (`whole` or `core`, perhaps blurred) at the grid planes `xs`, `ys`, `zs` (grid mm)."""
        indices = [
            (np.asarray(axis, float) - origin) / self.step_mm
            for axis, origin in zip((zs, ys, xs), self.origin_mm[::-1])
        ]
        mesh = np.meshgrid(*indices, indexing="ij")
        return map_coordinates(part, mesh, order=1, mode="constant", prefilter=False)

    def voxels_within(
        self, xs: NDArray[np.float32], ys: NDArray[np.float32], zs: NDArray[np.float32]
    ) -> tuple[slice, slice, slice]:
        """Return the slices (i, j, k) of the grid planes `xs`, `ys`, `zs` (grid mm) that the sampled box covers."""
        ends = self.origin_mm + (np.array(self.whole.shape[::-1]) - 1) * self.step_mm
        bounds = [np.searchsorted(axis, [low, high]) for axis, low, high in zip((xs, ys, zs), self.origin_mm, ends)]
        i, j, k = (slice(int(first), int(last)) for first, last in bounds)
        return i, j, k

    def blurred(self, part: NDArray[np.float32], sigma_mm: float) -> NDArray[np.float32]:
        """Return `part` after a Gaussian of `sigma_mm`."""
        return gaussian_filter(part, sigma_mm / self.step_mm, mode="constant")

    def size(self, axes: NDArray[np.float64], grid_origin: NDArray[np.float64], solid: str) -> LesionAtVisit:
        """Return the stated size.

        Parameters
        ----------
        axes
            (3, 3), rows are the directions of the grid's axes in LPS.
        solid
            Which part counts as solid: ``core``, ``all``, ``none``.
        """
        volume = self.volume_mm3
        weights = [self.whole.sum(axis=tuple(a for a in range(3) if a != k), dtype=np.float64) for k in (2, 1, 0)]
        mean_index = np.array([(w * np.arange(len(w))).sum() / w.sum() for w in weights])
        center = grid_origin + (self.origin_mm + mean_index * self.step_mm) @ axes
        axial = int(np.argmax(np.abs(axes[:, 2])))
        planes = [longest_plane_axes(self.whole, self.step_mm, axis) for axis in range(3)]
        long_axis, short_axis = planes[2 - axial]
        best = max(planes)
        solid_volume, solid_diameter = 0.0, 0.0
        if solid == "all":
            solid_volume, solid_diameter = volume, (long_axis + short_axis) / 2
        elif solid == "core":
            solid_volume = float(self.core.sum(dtype=np.float64)) * self.step_mm**3
            solid_diameter = sum(longest_plane_axes(self.core, self.step_mm, 2 - axial)) / 2
        return LesionAtVisit(
            center_mm=(float(center[0]), float(center[1]), float(center[2])),
            volume_mm3=volume,
            long_axis_mm=long_axis,
            short_axis_mm=short_axis,
            mean_diameter_mm=(long_axis + short_axis) / 2,
            mean_diameter_best_plane_mm=sum(best) / 2,
            solid_volume_mm3=solid_volume,
            solid_mean_diameter_mm=solid_diameter,
        )


def sample_nodule(
    shape: NoduleShape,
    lung: LungDistance,
    axes: NDArray[np.float64],
    grid_origin: NDArray[np.float64],
    margin_mm: float = 0.0,
) -> FineNodule:
    """Return `shape` cut by the lung, sampled along the grid's axes with `margin_mm` around it."""
    radius = float(shape.semi_axes_mm.mean())
    step = float(np.clip(radius / _STEPS_A_RADIUS, _SMALLEST_STEP_MM, _LARGEST_STEP_MM))
    half = int(np.ceil((shape.reach_mm + margin_mm) / step))
    offsets = np.arange(-half, half + 1) * step
    center = (shape.center_mm - grid_origin) @ axes.T
    mesh = np.stack(np.meshgrid(offsets, offsets, offsets, indexing="ij")[::-1], axis=-1)
    points = shape.center_mm + mesh @ axes
    outside_lung = lung(points)

    def filled(distance: NDArray[np.float64]) -> NDArray[np.float32]:
        share = np.clip(0.5 - np.maximum(distance, outside_lung) / step, 0, 1)
        result: NDArray[np.float32] = share.astype(np.float32)
        return result

    whole = filled(shape.distance(points))
    core = np.minimum(filled(shape.core_distance(points)), whole)
    return FineNodule(whole, core, center - half * step, step)
