"""What is measured of an outlined lesion of any organ, on an image of any modality."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.adc import ADC_UNIT
from AIImagingLogic.images.geometry import grid_size, grid_spacing
from AIImagingLogic.images.suv import SUV_UNIT
from AIImagingLogic.measure.diameters import Diameters, diameters
from AIImagingLogic.measure.diffusion import measure_diffusion
from AIImagingLogic.measure.fine_patch import fine_patch
from AIImagingLogic.measure.uptake import measure_uptake
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import Measurement, measurement

_MOST_PATCH_VOXELS = 120
_BORDER = 2
# A sphere of 1 ml, whose mean is SUVpeak, has a radius of 6.2 mm; its centre lies in the lesion.
_AROUND_MM = 8.0


def measure_of_modality(
    image: sitk.Image, info: ImageInfo, mask: sitk.Image, lean_share: float | None = None
) -> tuple[Measurement, ...]:
    """Measure long, short and mean diameter on an axial slice; on SUV the uptake, on ADC the diffusion.

    Parameters
    ----------
    image : any modality
    info : of `image`; its unit says what the values are
    mask : cropped uint8 on the grid of `image`, > 0 inside, not empty
    lean_share : SUL over SUV, see `measure_uptake`

    Returns
    -------
    tuple of Measurement
        Of values without a known quantity, such as those of T2-weighted MR, nothing is measured.
    """
    found: list[Measurement] = []
    axes = outline_diameters(mask)
    if axes is not None:
        found += [
            measurement("long_axis", axes.long_axis_mm),
            measurement("short_axis", axes.short_axis_mm),
            measurement("mean_diameter", axes.mean_mm),
        ]
    if info.intensity_unit == SUV_UNIT:
        found += measure_uptake(*_surroundings(image, mask), lean_share)
    if info.intensity_unit == ADC_UNIT:
        values, inside = _surroundings(image, mask)
        if (sitk.GetArrayViewFromImage(values)[sitk.GetArrayViewFromImage(inside) > 0] > 0).any():
            found += measure_diffusion(values, inside)
    return tuple(found)


def outline_diameters(mask: sitk.Image) -> Diameters | None:
    """Return long and short axis of an outline, on the axial slice with the longest long axis; None when it is empty.

    Parameters
    ----------
    mask : > 0 inside; any axes
    """
    inside = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0)[:, ::-1]
    if not len(inside):
        return None
    padded = sitk.ConstantPad(sitk.Cast(mask > 0, sitk.sitkUInt8), [_BORDER] * 3, [_BORDER] * 3, 0)
    first, last = inside.min(axis=0), inside.max(axis=0)
    spacing = grid_spacing(mask)
    half_mm = float(((last - first + 1) * spacing).max()) / 2 + float(spacing.max())
    x, y, z = mask.TransformContinuousIndexToPhysicalPoint(((first + last) / 2).tolist())
    fine_mm = max(float(spacing.min()) / 2, 2 * half_mm / _MOST_PATCH_VOXELS)
    patch = fine_patch(padded, None, (x, y, z), half_mm, fine_mm)
    return diameters(patch, patch.values > 0.5)


def _surroundings(image: sitk.Image, mask: sitk.Image) -> tuple[sitk.Image, sitk.Image]:
    """Return the image around a lesion, and its mask on that grid."""
    start = np.array(image.TransformPhysicalPointToIndex(mask.GetOrigin()))
    margin = np.ceil(_AROUND_MM / grid_spacing(image)).astype(int)
    first = np.maximum(start - margin, 0)
    end = np.minimum(start + grid_size(mask) + margin, grid_size(image))
    values = sitk.RegionOfInterest(image, (end - first).tolist(), first.tolist())
    inside = sitk.Image(values.GetSize(), sitk.sitkUInt8)
    inside.CopyInformation(values)
    whole = sitk.Paste(inside, sitk.Cast(mask > 0, sitk.sitkUInt8), mask.GetSize(), [0, 0, 0], (start - first).tolist())
    return values, whole
