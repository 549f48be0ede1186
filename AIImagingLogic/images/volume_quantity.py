"""The quantity of a volume of a scene: SUV or ADC where its unit or its DICOM files say so; else as it is, told."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.images.adc import ADC_UNIT, adc_image, is_adc
from AIImagingLogic.images.dicom_file import read_dicom_file
from AIImagingLogic.images.quantity import QuantityImage
from AIImagingLogic.images.suv import SUV_UNIT, suv_image
from AIImagingLogic.images.suv_factor import suv_factor
from AIImagingLogic.images.suv_facts import read_pet_facts
from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.image_info import ImageInfo

_SUV_UNITS = (SUV_UNIT, "{SUVbw}g/ml", "g/ml")
_DIFFUSION = "m2/s"


def volume_quantity(image: sitk.Image, info: ImageInfo, files: Sequence[Path] = ()) -> QuantityImage:
    """Return a volume in the quantity that it shows.

    Parameters
    ----------
    image : as the scene holds it: rescaled values of its files, or SUV
    info : of `image`; its unit is the one that the scene states, empty where it states none
    files : the DICOM files that it was loaded from, where they are known

    Returns
    -------
    QuantityImage
        Where SUV or ADC cannot be had, the values as they are, and a note of the info says why.
    """
    if info.modality == "PT":
        return _tracer(image, info, files)
    if info.modality == "MR":
        return _diffusion(image, info, files)
    return QuantityImage(image, info)


def _tracer(image: sitk.Image, info: ImageInfo, files: Sequence[Path]) -> QuantityImage:
    if info.intensity_unit in _SUV_UNITS:
        return QuantityImage(image, dataclasses.replace(info, intensity_unit=SUV_UNIT))
    if not files:
        why = "the volume states no unit, and its DICOM files are not known"
        return QuantityImage(image, _noted(info, f"No SUV was measured: {why}."))
    try:
        made = suv_image(image, info, suv_factor(read_pet_facts(files)))
    except AIImagingError as error:
        return QuantityImage(image, _noted(info, f"No SUV was measured. {error}"))
    return QuantityImage(made.image, made.info, made.lean_share)


def _diffusion(image: sitk.Image, info: ImageInfo, files: Sequence[Path]) -> QuantityImage:
    if info.intensity_unit == ADC_UNIT:
        return QuantityImage(image, info)
    try:
        if not info.intensity_unit.endswith(_DIFFUSION) and not (files and is_adc(read_dicom_file(files[0]))):
            return QuantityImage(image, info)
        made = adc_image(image, info)
    except AIImagingError as error:
        return QuantityImage(image, _noted(info, f"No ADC was measured. {error}"))
    return QuantityImage(made.image, made.info)


def _noted(info: ImageInfo, note: str) -> ImageInfo:
    return dataclasses.replace(info, notes=(*info.notes, note))
