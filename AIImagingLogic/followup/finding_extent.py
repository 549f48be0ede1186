"""How large a finding is and whether a point lies in its outline."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.geometry import Points, grid_spacing, index_to_world
from AIImagingLogic.records.finding import Finding


def center_of(finding: Finding) -> Points:
    """Return the centre of a finding: (3,) mm, LPS."""
    return np.array(finding.box.center_mm, dtype=float)


def diameter_of(finding: Finding) -> float:
    """Return the mean diameter (mm): measured, else of a sphere of its volume, else of its box."""
    diameter = finding.value("mean_diameter")
    if diameter is not None:
        return diameter
    volume = finding.value("volume")
    return (6 * volume / math.pi) ** (1 / 3) if volume is not None else float(np.mean(finding.box.size_mm))


def volume_of(finding: Finding) -> float:
    """Return the volume (mm3): measured, else of a sphere of its diameter."""
    volume = finding.value("volume")
    return math.pi / 6 * diameter_of(finding) ** 3 if volume is None else volume


def lies_in_outline(finding: Finding, point_mm: Points, margin_mm: float) -> bool:
    """Whether a point (3,) mm, LPS lies in the outline of a finding, or no further than `margin_mm` from it.

    Without an outline, the ellipsoid in its box is taken for it.
    """
    if finding.mask is None:
        axes = np.array(finding.box.axes, dtype=float)
        reach = np.array(finding.box.size_mm, dtype=float) / 2 + margin_mm
        return bool(np.linalg.norm((axes @ (point_mm - center_of(finding))) / reach) <= 1)
    voxels = np.argwhere(sitk.GetArrayViewFromImage(finding.mask) > 0)[:, ::-1]
    if len(voxels) == 0:
        return False
    # A point inside a voxel is up to half its diagonal from the voxel's centre.
    half_voxel = float(np.linalg.norm(grid_spacing(finding.mask))) / 2
    nearest = np.linalg.norm(index_to_world(finding.mask, voxels) - point_mm, axis=1).min()
    return bool(nearest <= margin_mm + half_voxel)
