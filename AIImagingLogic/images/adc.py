"""Read a map of apparent diffusion coefficients in one unit, whatever unit its maker stored."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from AIImagingLogic.images.default_series import chosen_series
from AIImagingLogic.images.dicom_file import DicomFile
from AIImagingLogic.images.dicom_scan import scan_folder
from AIImagingLogic.images.dicom_series import read_series
from AIImagingLogic.images.info import describe
from AIImagingLogic.records.errors import UnreadableImageError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo

ADC_UNIT = "um2/s"
"""1e-6 mm2/s: the whole numbers that readers use (tissue 300 to 3000), a square micrometre a second."""

_STATED = {
    "um2/s": 1.0,
    "10-6.mm2/s": 1.0,
    "10-6mm2/s": 1.0,
    "1e-6mm2/s": 1.0,
    "10^-6mm2/s": 1.0,
    "10^-6mm^2/s": 1.0,
    "um^2/s": 1.0,
    "10-3mm2/s": 1000.0,
    "10-3.mm2/s": 1000.0,
    "10^-3mm2/s": 1000.0,
    "1e-3mm2/s": 1000.0,
    "um2/ms": 1000.0,
    "10-5mm2/s": 10.0,
    "10-5.mm2/s": 10.0,
    "mm2/s": 1e6,
    "mm^2/s": 1e6,
}
# The median of a body's ADC lies between these, in um2/s, whatever the organ: free water at 37 degrees has 3000.
_LEAST_MEDIAN, _LARGEST_MEDIAN = 200.0, 3500.0
_GUESSED = (1.0, 1000.0, 1e6)


@dataclass(frozen=True)
class AdcImage:
    """A map of apparent diffusion coefficients.

    Attributes
    ----------
    image : float32, `ADC_UNIT`
    info : `intensity_unit` is `ADC_UNIT`; a note says where the unit was found
    scale : what the files' values were multiplied by
    """

    image: sitk.Image
    info: ImageInfo
    scale: float


def read_adc(path: Path, series_uid: str | None = None, scale: float | None = None) -> AdcImage:
    """Read an ADC map in 1e-6 mm2/s.

    Parameters
    ----------
    path : folder with the DICOM series, or one of its files
    series_uid : of the series; default: the largest one that calls itself an ADC map
    scale : stated by the user: values x scale are in 1e-6 mm2/s; default: from the files

    Raises
    ------
    UnreadableImageError
        The path holds no DICOM images.
    WrongImageError
        No series is an ADC map, or the unit neither is stated nor follows from the values.

    Notes
    -----
    Vendors store whole numbers of 1e-6 mm2/s (Siemens, GE), a rescale to them or to 1e-3 mm2/s (Philips, Canon). A unit
    in a Real World Value Mapping or in the Rescale Type is believed when the values agree with it. Where none is
    stated, it is taken from the values' median, and the note says so.
    """
    path = Path(path)
    return read_adc_series(*_adc_series(path, series_uid), scale)


def read_adc_series(files: Sequence[DicomFile], notes: tuple[str, ...] = (), scale: float | None = None) -> AdcImage:
    """Read the files of one ADC map, see `read_adc`; `notes` join those of the info."""
    image, info = read_series(files, notes)
    return adc_image(image, info, _stated_scale(files[0].path), scale)


def adc_image(
    image: sitk.Image, info: ImageInfo, stated: tuple[float, str] | None = None, scale: float | None = None
) -> AdcImage:
    """Return a map in 1e-6 mm2/s.

    Parameters
    ----------
    image : rescaled values of the files
    info : of `image`
    stated : scale and unit that the files state, None when they do not
    scale : that the user states, goes before all

    Raises
    ------
    WrongImageError
        The unit is not known, or the one stated does not fit the values.
    """
    median = _median(image)
    if scale is not None:
        note = f"ADC: values x {scale:g} are 1e-6 mm2/s, as the user states."
    elif stated is not None:
        scale = stated[0]
        note = f"ADC: the files state the unit {stated[1]}."
        if not _LEAST_MEDIAN <= median * scale <= _LARGEST_MEDIAN:
            raise WrongImageError(
                f"The ADC map states the unit {stated[1]}, but the median of its values ({median:.4g}) is no diffusion "
                "in that unit.",
                "State the scale of the values.",
            )
    else:
        fitting = [guess for guess in _GUESSED if _LEAST_MEDIAN <= median * guess <= _LARGEST_MEDIAN]
        if len(fitting) != 1:
            raise WrongImageError(
                f"The ADC map states no unit, and none follows from its values (median {median:.4g}).",
                "State the scale of the values.",
            )
        scale = fitting[0]
        words = {1.0: "1e-6 mm2/s", 1000.0: "1e-3 mm2/s", 1e6: "mm2/s"}[scale]
        note = f"ADC: no unit is stated; {words} was taken, as the median of the values ({median:.4g}) says."
    values = sitk.Cast(image, sitk.sitkFloat32) * scale
    described = describe(values, modality=info.modality)
    new = dataclasses.replace(
        info, intensity_unit=ADC_UNIT, content_hash=described.content_hash, notes=(*info.notes, note)
    )
    return AdcImage(values, new, scale)


def _median(image: sitk.Image) -> float:
    """Return the median of what is not background: values above 0."""
    values = sitk.GetArrayViewFromImage(image)
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        raise WrongImageError("The ADC map holds no value above 0.", "Choose another series.")
    return float(np.median(values))


def _adc_series(path: Path, series_uid: str | None) -> tuple[tuple[DicomFile, ...], tuple[str, ...]]:
    if not path.exists():
        raise UnreadableImageError(f"'{path}' does not exist.", "Check the path.")
    found = scan_folder(path if path.is_dir() else path.parent).series
    if path.is_file():
        found = tuple(files for files in found if any(file.path == path for file in files))
    if series_uid:
        wanted = [files for files in found if files[0].series_uid == series_uid]
    else:
        wanted = [files for files in found if is_adc(files[0])]
    if not found:
        raise UnreadableImageError(f"'{path.name}' holds no DICOM images.", "Choose a DICOM series.")
    if not wanted:
        raise WrongImageError(
            f"'{path.name}' holds no series that calls itself an ADC map (Image Type 0008,0008).",
            "Name the series, if one is an ADC map.",
        )
    chosen, notes = chosen_series(wanted)
    return tuple(chosen), notes


def is_adc(file: DicomFile) -> bool:
    """Whether a file calls itself an ADC map, in its Image Type or Series Description."""
    words = {part.upper() for part in file.image_type} | set(file.description.upper().replace("_", " ").split())
    return bool(words & {"ADC", "ADC_UNSPECIFIED"})


def _stated_scale(path: Path) -> tuple[float, str] | None:
    """Return what makes 1e-6 mm2/s of the file's rescaled values, and the unit it states, None when it states none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            units = [unit for unit in _units(header) if unit]
        except (InvalidDicomError, OSError, EOFError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableImageError(
                f"The DICOM header of '{path.name}' cannot be read ({type(error).__name__}).", "Copy it again."
            ) from error
    for unit in units:
        plain = unit.replace(" ", "").replace("\N{SUPERSCRIPT TWO}", "2").replace("\N{MICRO SIGN}", "u")
        known = _STATED.get(plain) or _STATED.get(plain.lower())
        if known is not None:
            return known, unit
    return None


def _units(header: Dataset) -> list[str]:
    """Return the units that a header states for its rescaled values.

    A Real World Value Mapping counts only where it maps as the rescale does: then its unit is that of the values read.
    """
    found: list[str] = []
    own = _line(header.get("RescaleSlope"), header.get("RescaleIntercept"))
    for item in _items(header):
        if item.get("RescaleSlope") is not None:
            own = _line(item.get("RescaleSlope"), item.get("RescaleIntercept"))
            found.append(str(item.get("RescaleType") or ""))
        for mapping in item.get("RealWorldValueMappingSequence") or []:
            mapped = _line(mapping.get("RealWorldValueSlope"), mapping.get("RealWorldValueIntercept"))
            code = next(iter(mapping.get("MeasurementUnitsCodeSequence") or []), Dataset())
            if np.allclose(mapped, own, rtol=1e-6):
                found.append(str(code.get("CodeValue") or ""))
    return found


def _items(header: Dataset) -> list[Dataset]:
    """Return the header, and the functional groups that all frames share or the first frame has."""
    items = [header]
    groups = [*(header.get("SharedFunctionalGroupsSequence") or [])]
    groups += list(header.get("PerFrameFunctionalGroupsSequence") or [])[:1]
    for group in groups:
        items.append(group)
        for name in ("PixelValueTransformationSequence",):
            items += list(group.get(name) or [])
    return items


def _line(slope: Any, intercept: Any) -> tuple[float, float]:
    return (1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))
