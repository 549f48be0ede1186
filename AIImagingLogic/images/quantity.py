"""Read an image in the quantity that its files say it shows: SUV, ADC, Hounsfield units; else as stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.images.adc import adc_image, is_adc, read_adc_series
from AIImagingLogic.images.dicom_series import read_series
from AIImagingLogic.images.file_kind import file_kind
from AIImagingLogic.images.read import image_files
from AIImagingLogic.images.suv import read_suv_series
from AIImagingLogic.images.suv_facts import PetFacts
from AIImagingLogic.images.volume_file import read_volume_file
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo


@dataclass(frozen=True)
class QuantityImage:
    """An image in a known quantity, or as stored where its files name none.

    Attributes
    ----------
    image : values in `info.intensity_unit`
    info : its notes say how the quantity was found
    lean_share : SUL over SUV of a PET series whose files state what it takes, else None
    """

    image: sitk.Image
    info: ImageInfo
    lean_share: float | None = None


def read_quantity(
    path: Path,
    series_uid: str | None = None,
    completed: Callable[[PetFacts], PetFacts] | None = None,
    adc_scale: float | None = None,
) -> QuantityImage:
    """Read the image that `read_image` reads: a DICOM PET series as SUV, an ADC map in 1e-6 mm2/s, all else as it is.

    Parameters
    ----------
    path, series_uid : as of `read_image`
    completed : what the user states of a PET series, see `read_suv`
    adc_scale : the user states that the image is an ADC map, and its values x `adc_scale` are in 1e-6 mm2/s

    Raises
    ------
    UnreadableImageError, GeometryError
        As `read_image`.
    WrongImageError
        As `read_image`; SUV or the unit of an ADC map cannot be found; what the user states is not of such an image.
    """
    found = image_files(path, series_uid)
    if isinstance(found, Path):
        _refuse_tracer(completed, "no DICOM series")
        image, info = read_volume_file(found, file_kind(found))
        if adc_scale is None:
            return QuantityImage(image, info)
        adc = adc_image(image, info, scale=adc_scale)
        return QuantityImage(adc.image, adc.info)
    files, notes = found
    modality = files[0].modality
    if modality == "PT" and adc_scale is None:
        suv = read_suv_series(files, notes, completed)
        return QuantityImage(suv.image, suv.info, suv.lean_share)
    _refuse_tracer(completed, modality or "no modality")
    if adc_scale is not None and modality != "MR":
        raise WrongImageError(
            f"A scale of an ADC map was stated, but the series is {modality or 'of no modality'}.", "Leave it out."
        )
    if modality == "MR" and (adc_scale is not None or is_adc(files[0])):
        adc = read_adc_series(files, notes, adc_scale)
        return QuantityImage(adc.image, adc.info)
    return QuantityImage(*read_series(files, notes))


def _refuse_tracer(completed: Callable[[PetFacts], PetFacts] | None, what: str) -> None:
    if completed is not None:
        raise WrongImageError(
            f"Facts of a PET scan were stated, but the image is not a DICOM PET series ({what}).", "Leave them out."
        )
