"""The 95% interval of an outlined volume: how far it would differ, were the lesion scanned and outlined again."""

from __future__ import annotations

import math
from typing import Any

from AIImagingLogic.measure.repeatability import Z_95, sphere_diameter_mm
from AIImagingLogic.measure.subvoxel_outline import SubvoxelOutline
from AIImagingLogic.records.resources import load_resource


def volume_interval(outline: SubvoxelOutline) -> tuple[float, float] | None:
    """Return the 95% interval of the volume of an outlined lung nodule, mm3; None for an empty outline.

    It holds what noise, the grid's place, voxel size and blur do to the outline. Breathing, posture and what else
    differs between two visits of a person is not in it.
    """
    if outline.volume_mm3 <= 0:
        return None
    spacing = outline.patch.source_spacing_mm
    contrast = outline.levels.contrasts[0] if outline.levels.contrasts else 0.0
    deviation = volume_deviation(outline.volume_mm3, spacing, outline.core is not None, contrast)
    reach = math.exp(Z_95 * deviation)
    return outline.volume_mm3 / reach, outline.volume_mm3 * reach


def volume_deviation(
    volume_mm3: float, spacing_mm: tuple[float, float, float], has_core: bool, contrast_hu: float
) -> float:
    """Return the standard deviation of the log of a nodule's volume over repeated scans.

    Parameters
    ----------
    volume_mm3 : > 0
    spacing_mm : of the image
    has_core : it is part-solid
    contrast_hu : of the nodule over the lung, the blur undone

    Notes
    -----
    The relative error falls with the square of the diameter in voxels (the edge of a cube of the voxel's volume): the
    outline's own misfit is a share of a voxel, and errors of single boundary voxels average over the surface. The
    figures were fitted to simulated repeat scans, see Resources/rules/repeatability.json, ``outline``.
    """
    model: dict[str, Any] = load_resource("rules/repeatability.json")["outline"]
    voxels = sphere_diameter_mm(volume_mm3) / math.prod(spacing_mm) ** (1 / 3)
    deviation = math.hypot(model["floor"], model["at_one_voxel"] / voxels**2)
    subsolid = has_core or contrast_hu < model["subsolid_below_hu"]
    return min(deviation * (model["subsolid_factor"] if subsolid else 1.0), model["largest"])
