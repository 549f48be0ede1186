"""What is measured of a whole organ or any other segment."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measurement import Measurement, measurement


def measure_organ(image: sitk.Image, info: ImageInfo, mask: sitk.Image) -> tuple[Measurement, ...]:
    """Measure a segment: volume in millilitres, mean and spread of its voxels.

    Parameters
    ----------
    image : any modality
    info : of `image`; in Hounsfield units the mean is a density, otherwise an intensity of no stated unit
    mask : non-zero inside, on the grid of `image`

    Returns
    -------
    tuple of Measurement
        The volume alone when the mask is empty.
    """
    inside = sitk.GetArrayViewFromImage(mask) != 0
    voxel_mm3 = float(np.prod(image.GetSpacing()))
    volume = measurement("organ_volume", int(inside.sum()) * voxel_mm3 / 1000.0)
    values = sitk.GetArrayViewFromImage(image)[inside]
    if not len(values):
        return (volume,)
    names = ("mean_density", "density_sd") if info.intensity_unit == "HU" else ("mean_intensity", "intensity_sd")
    return (
        volume,
        measurement(names[0], float(values.mean(dtype=np.float64))),
        measurement(names[1], float(values.std(dtype=np.float64))),
    )
