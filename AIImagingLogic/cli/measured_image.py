"""The image that a command measures on, in the quantity that its files or the user say it shows."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import SimpleITK as sitk

from AIImagingLogic.cli.measure_arguments import stated_facts
from AIImagingLogic.images.adc import is_adc
from AIImagingLogic.images.quantity import QuantityImage, read_quantity
from AIImagingLogic.images.read import image_files, read_image
from AIImagingLogic.images.suv import SUV_UNIT, suv_image
from AIImagingLogic.images.suv_factor import SuvFactor
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo

_NEEDED = (
    "SUV needs its DICOM series (weight, dose, half life, time of injection and of the scan), or --suv-factor: "
    "grams of the patient over Bq of the dose at the scan, or 1 for values that are SUV already"
)
_ACTIVITY = ("BQML", "BQ/ML")
_LARGEST_SIDECAR = 10_000_000


def measured_image(path: Path, series: str | None, arguments: argparse.Namespace) -> QuantityImage:
    """Read the image to measure: SUV of a DICOM PET, ADC, else as stored, with a note where the unit is not known.

    Parameters
    ----------
    path, series : as of `read_image`
    arguments : of `add_quantities`

    Raises
    ------
    WrongImageError
        The quantity cannot be found, or what the user states contradicts itself or is not of such an image.
    AIImagingError
        As `read_image`.
    """
    facts = stated_facts(arguments)
    stated = [facts is not None, arguments.adc_scale is not None, arguments.suv_factor is not None]
    if arguments.stored_values and any(stated):
        raise WrongImageError("Stored values were asked for, and what turns them into others was stated.", "Leave one.")
    if arguments.suv_factor is not None:
        if sum(stated) > 1:
            raise WrongImageError("--suv-factor stands for all that SUV needs, and more was stated.", "Leave one.")
        return _by_factor(path, series, arguments.suv_factor)
    if arguments.stored_values:
        read = QuantityImage(*read_image(path, series))
    else:
        read = read_quantity(path, series, facts, arguments.adc_scale)
    return _noted(read, unit_note(path, read.image, read.info))


def quantity_beside(
    path: Path, series: str | None, arguments: argparse.Namespace, info: ImageInfo
) -> tuple[QuantityImage | None, str]:
    """Return the image to measure on where it is not the one that was read as stored, and a note on its quantity.

    An image whose SUV cannot be found is measured as stored, and the note says why, unless the user states something
    of it: then that is an error.

    Parameters
    ----------
    path, series, arguments : as of `measured_image`
    info : of the image as `read_image` read it
    """
    stated = stated_facts(arguments) is not None or arguments.adc_scale is not None or arguments.suv_factor is not None
    if not stated and (arguments.stored_values or not _has_quantity(path, series, info)):
        return None, f"The .json beside the file says PET: measured as stored. {_NEEDED}." if _is_pet(path) else ""
    try:
        found = measured_image(path, series, arguments)
    except WrongImageError as error:
        if stated:
            raise
        return None, f"Measured as stored. {error}"
    return (None if found.info.intensity_unit == info.intensity_unit else found), ""


def unit_note(path: Path, image: sitk.Image, info: ImageInfo) -> str:
    """Return what is to be said of values that were measured as stored; empty where their unit is known."""
    if info.modality == "PT" and info.intensity_unit != SUV_UNIT:
        return f"A PET measured as stored ({info.intensity_unit or 'unit not stated'}), not in SUV."
    if info.intensity_unit or info.modality:
        return ""
    if _is_pet(path):
        return f"The .json beside the file says PET: measured as stored. {_NEEDED}."
    note = "The file names no unit: its values were measured as stored."
    # Activity is never below zero; CT and signed maps are.
    return f"{note} If it is a PET: {_NEEDED}." if sitk.GetArrayViewFromImage(image).min() >= 0 else note


def _by_factor(path: Path, series: str | None, factor: float) -> QuantityImage:
    found = image_files(path, series)
    if not isinstance(found, Path) and found[0][0].modality != "PT":
        raise WrongImageError("--suv-factor was stated, but the image is not a PET series.", "Leave it out.")
    image, info = read_image(path, series)
    notes = (f"SUV by the factor {factor:g} that the user states.",)
    suv = suv_image(image, info, SuvFactor(factor, None, "", None, notes))
    return QuantityImage(suv.image, suv.info)


def _noted(read: QuantityImage, note: str) -> QuantityImage:
    if not note:
        return read
    return dataclasses.replace(read, info=dataclasses.replace(read.info, notes=(*read.info.notes, note)))


def _has_quantity(path: Path, series: str | None, info: ImageInfo) -> bool:
    if info.modality != "MR":
        return info.modality == "PT"
    # Of an MR only a map is read a second time, not every image.
    found = image_files(path, series)
    return not isinstance(found, Path) and is_adc(found[0][0])


def _is_pet(path: Path) -> bool:
    """Whether the .json that dcm2niix or BIDS puts beside a volume file says that it is a PET."""
    if not path.is_file():
        return False
    stem = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    try:
        sidecar = path.with_name(f"{stem}.json")
        if sidecar.stat().st_size > _LARGEST_SIDECAR:
            return False
        said = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        # No such file, or none that tells anything: the general note stands.
        return False
    if not isinstance(said, dict):
        return False
    return said.get("Modality") in ("PT", "PET") or str(said.get("Units", "")).upper() in _ACTIVITY
