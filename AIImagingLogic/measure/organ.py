"""What is measured of a whole organ or any other segment."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.adc import ADC_UNIT
from AIImagingLogic.images.suv import SUV_UNIT
from AIImagingLogic.measure.diffusion import measure_diffusion
from AIImagingLogic.measure.uptake import measure_uptake
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import Measurement, measurement


def measure_organ(
    image: sitk.Image, info: ImageInfo, mask: sitk.Image, lean_share: float | None = None
) -> tuple[Measurement, ...]:
    """Measure a segment: volume in millilitres, mean and spread of its voxels; on SUV and ADC what is measured there.

    Parameters
    ----------
    image : any modality
    info : of `image`; its unit says whether the mean is a density (HU), whether the values are SUV (`read_suv`) or ADC
        (`read_adc`), or else an intensity of no stated unit
    mask : non-zero inside, on the grid of `image`
    lean_share : SUL over SUV, see `measure_uptake`

    Returns
    -------
    tuple of Measurement
        The volume alone when the mask is empty, or holds no voxel with a diffusion.
    """
    inside = sitk.GetArrayViewFromImage(mask) != 0
    voxel_mm3 = float(np.prod(image.GetSpacing()))
    volume = measurement("organ_volume", int(inside.sum()) * voxel_mm3 / 1000.0)
    values = sitk.GetArrayViewFromImage(image)[inside]
    if not len(values):
        return (volume,)
    if info.intensity_unit == SUV_UNIT:
        return (volume, *measure_uptake(image, mask, lean_share))
    if info.intensity_unit == ADC_UNIT:
        return (volume, *measure_diffusion(image, mask)) if (values > 0).any() else (volume,)
    names = ("mean_density", "density_sd") if info.intensity_unit == "HU" else ("mean_intensity", "intensity_sd")
    return (
        volume,
        measurement(names[0], float(values.mean(dtype=np.float64))),
        measurement(names[1], float(values.std(dtype=np.float64))),
    )
