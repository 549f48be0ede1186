"""What is measured of a lung lesion, and the words that describe it."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.measure.diameters import diameters
from AIImagingLogic.measure.location import pleura_distance_mm, side_of, third_of
from AIImagingLogic.measure.subvoxel_outline import SubvoxelOutline, subvoxel_outline
from AIImagingLogic.measure.volume_error import volume_interval
from AIImagingLogic.records.measurement import Measurement, measurement
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.segmentation import Segmentation


def measure_lesion(
    image: sitk.Image, mask: sitk.Image, organs: Segmentation, outline: SubvoxelOutline | None = None
) -> tuple[tuple[Measurement, ...], dict[str, str]]:
    """Measure and describe the lesion of a mask.

    Volume and axes are those of the outline redrawn between the voxels (`subvoxel_outline`), not a count of the mask's
    voxels; the volume's interval is that of `volume_interval`. Mean density and its spread are those of the mask's
    voxels, as a reader's region would give.

    Parameters
    ----------
    image : CT, HU
    mask : cropped uint8 mask on the grid of `image`, not empty: 1 lesion, 2 solid part of a part-solid lesion
    organs : lungs on the grid of `image`
    outline : of this mask, when it is there already

    Returns
    -------
    measurements : named as in Resources/measurements.json
    descriptors : ``attenuation``, ``side``, ``third``, ``contact``

    References
    ----------
    Lung-RADS v2022: size is the mean of long and short axis on one plane. Mass: volume x (density + 1000) / 1000,
    de Hoop et al., Radiology 2010, 255(1), 199-206.
    """
    outline = outline or subvoxel_outline(image, mask, organs)
    inside = _values(image, mask)
    volume, density = outline.volume_mm3, float(inside.mean())
    found = {"volume": volume}
    axes = diameters(outline.patch, outline.whole)
    if axes is not None:
        found |= {
            "long_axis": axes.long_axis_mm,
            "short_axis": axes.short_axis_mm,
            "mean_diameter": axes.mean_mm,
        }
    found |= {"mean_density": density, "density_sd": float(inside.std())}
    found |= {"mass": volume * max(density + 1000.0, 0.0) / 1000.0}
    core_axes = diameters(outline.patch, outline.core) if outline.core is not None else None
    if core_axes is not None:
        found |= {
            "solid_volume": outline.core_volume_mm3,
            "solid_long_axis": core_axes.long_axis_mm,
            "solid_short_axis": core_axes.short_axis_mm,
            "solid_mean_diameter": core_axes.mean_mm,
        }
    gap_mm = pleura_distance_mm(image, organs, outline)
    if gap_mm is not None:
        found["pleura_distance"] = gap_mm
    center = outline.patch.point_mm(np.asarray(ndimage.center_of_mass(outline.whole)))
    side = side_of(organs, center)
    descriptors = {
        "attenuation": _attenuation(outline, inside),
        "side": side,
        "third": third_of(organs, side, center),
        "contact": _contact(outline, gap_mm),
    }
    intervals = {"volume": volume_interval(outline)}
    return tuple(measurement(name, value, intervals.get(name)) for name, value in found.items()), descriptors


def _values(image: sitk.Image, mask: sitk.Image) -> np.ndarray:
    """Return the image's values in the mask."""
    start = image.TransformPhysicalPointToIndex(mask.TransformIndexToPhysicalPoint((0, 0, 0)))
    crop = sitk.GetArrayFromImage(sitk.RegionOfInterest(image, mask.GetSize(), start))
    return np.asarray(crop[sitk.GetArrayViewFromImage(mask) > 0], dtype=float)


def _attenuation(outline: SubvoxelOutline, inside: np.ndarray) -> str:
    if outline.core is not None:
        return "part-solid"
    limits = load_resource("measurements.json")["descriptors"]
    fitted = outline.levels.background + outline.levels.contrasts[0]
    # Of a large lesion the middle of its values says the same without a model.
    density = max(fitted, float(np.median(inside)))
    if density >= limits["calcified_from_hu"]:
        return "calcified"
    return "ground-glass" if density < limits["ground_glass_below_hu"] else "solid"


def _contact(outline: SubvoxelOutline, gap_mm: float | None) -> str:
    limits = load_resource("measurements.json")["descriptors"]
    pleura = gap_mm is not None and gap_mm <= limits["pleura_contact_within_mm"]
    vessel = attached_volume_mm3(outline) >= limits["vessel_contact_from_mm3"]
    names = [name for name, touches in (("pleura", pleura), ("vessel", vessel)) if touches]
    return " and ".join(names) or "none"


def attached_volume_mm3(outline: SubvoxelOutline) -> float:
    """Return how much of a dense structure within 3 mm hangs on the lesion, mm3; the pleura's skin is left out."""
    step = outline.patch.spacing_mm
    off_wall = ndimage.distance_transform_edt(np.pad(outline.lung, 1, mode="edge"))[1:-1, 1:-1, 1:-1] * step > 1.5
    free = outline.attached & off_wall
    if not free.any():
        return 0.0
    away_mm = ndimage.distance_transform_edt(~outline.whole) * step
    labels, _ = ndimage.label(free & (away_mm < 3.0))
    # What was cut off starts a voxel beyond the mask.
    touching = np.unique(labels[(away_mm < 1.2 * max(outline.patch.source_spacing_mm)) & (labels > 0)])
    return float(np.isin(labels, touching[touching > 0]).sum()) * outline.patch.voxel_mm3
