"""What a PET image says of dose, decay and patient's size: all that turns its values into SUV, and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from AIImagingLogic.images.dicom_time import parsed_time
from AIImagingLogic.records.errors import UnreadableImageError

_KEYWORDS = [
    *("Modality", "Units", "DecayCorrection", "CorrectedImage", "SUVType", "Manufacturer"),
    *("SeriesDate", "SeriesTime", "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime"),
    *("FrameReferenceTime", "ActualFrameDuration", "PatientWeight", "PatientSize", "PatientSex"),
    "RadiopharmaceuticalInformationSequence",
]
_PHILIPS_CREATOR, _GE_CREATOR = "Philips PET Private Group", "GEMS_PETD_01"
_SUV_FACTOR, _ACTIVITY_FACTOR, _GE_SCAN_TIME = 0x00, 0x09, 0x0D


@dataclass(frozen=True)
class PetFacts:
    """What the SUV of one PET series follows from. A fact that the files do not state is None.

    Attributes
    ----------
    units : of the rescaled voxels: ``BQML``, ``CNTS``, ``GML``, ...
    suv_type : of voxels in ``GML``: ``BW`` (also when empty), ``LBM``, ``BSA``, ``IBW``, ...
    decay_correction : ``START`` to the begin of the scan, ``ADMIN`` to the injection, ``NONE``
    corrections : such as ``ATTN``, ``DECY``
    weight_kg, height_m : of the patient; never shown with a name
    sex : ``M``, ``F`` or empty
    dose_bq : activity injected
    half_life_s : of the radionuclide
    injected : clock of the scanner; `injected_has_date` is False when only a time of day is stated
    series_time, first_acquisition : clock of the scanner
    private_scan_time : begin of the scan in GE's private group
    frame_reference_s, frame_duration_s : of the slice acquired first
    philips_suv_factor, philips_activity_factor : of counts in Philips' private group: to SUVbw, to Bq/ml
    """

    units: str = ""
    suv_type: str = ""
    decay_correction: str = ""
    corrections: tuple[str, ...] = ()
    weight_kg: float | None = None
    height_m: float | None = None
    sex: str = ""
    dose_bq: float | None = None
    half_life_s: float | None = None
    injected: datetime | None = None
    injected_has_date: bool = False
    series_time: datetime | None = None
    first_acquisition: datetime | None = None
    private_scan_time: datetime | None = None
    frame_reference_s: float | None = None
    frame_duration_s: float | None = None
    philips_suv_factor: float | None = None
    philips_activity_factor: float | None = None


def read_pet_facts(paths: Iterable[Path]) -> PetFacts:
    """Read the facts from the headers of one PET series.

    Parameters
    ----------
    paths : all files of the series: its slices may have been acquired one bed after the other

    Raises
    ------
    UnreadableImageError
        There is no file, or one cannot be read.
    """
    headers = [_header(path) for path in paths]
    if not headers:
        raise UnreadableImageError("The PET series holds no files.", "Choose a folder with a PET series.")
    return pet_facts(headers)


def pet_facts(headers: Iterable[Dataset]) -> PetFacts:
    """Return the facts of a series from the headers of its slices, see `read_pet_facts`."""
    slices = [(_acquired(header), header) for header in headers]
    dated = [entry for entry in slices if entry[0] is not None]
    acquired, first = min(dated, key=lambda entry: entry[0] or datetime.max) if dated else slices[0]
    tracer = next(iter(first.get("RadiopharmaceuticalInformationSequence") or []), Dataset())
    series_time = parsed_time(_text(first, "SeriesDate"), _text(first, "SeriesTime"))
    injected, has_date = _injected(tracer, series_time or acquired)
    reference, duration = _number(first.get("FrameReferenceTime")), _number(first.get("ActualFrameDuration"))
    return PetFacts(
        units=_text(first, "Units").upper(),
        suv_type=_text(first, "SUVType").upper(),
        decay_correction=_text(first, "DecayCorrection").upper(),
        corrections=tuple(str(part).strip().upper() for part in _several(first.get("CorrectedImage"))),
        weight_kg=_positive(first.get("PatientWeight")),
        height_m=_positive(first.get("PatientSize")),
        sex=_text(first, "PatientSex").upper()[:1],
        dose_bq=_positive(tracer.get("RadionuclideTotalDose")),
        half_life_s=_positive(tracer.get("RadionuclideHalfLife")),
        injected=injected,
        injected_has_date=has_date,
        series_time=series_time if _text(first, "SeriesTime") else None,
        first_acquisition=acquired,
        private_scan_time=_stamp(_private(first, 0x0009, _GE_CREATOR, _GE_SCAN_TIME)),
        frame_reference_s=None if reference is None else reference / 1000,
        frame_duration_s=None if duration is None else duration / 1000,
        philips_suv_factor=_positive(_private(first, 0x7053, _PHILIPS_CREATOR, _SUV_FACTOR)),
        philips_activity_factor=_positive(_private(first, 0x7053, _PHILIPS_CREATOR, _ACTIVITY_FACTOR)),
    )


def _header(path: Path) -> Dataset:
    with warnings.catch_warnings():
        # pydicom warns of values that break a rule of their type; what matters is checked where it is used.
        warnings.simplefilter("ignore")
        tags: list[Any] = [*_KEYWORDS, 0x00090010, *_private_tags(0x0009, (_GE_SCAN_TIME,))]
        tags += [0x70530010, 0x70530011, *_private_tags(0x7053, (_SUV_FACTOR, _ACTIVITY_FACTOR))]
        try:
            return pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=tags)
        except (InvalidDicomError, OSError, EOFError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableImageError(
                f"The DICOM header of '{path.name}' cannot be read ({type(error).__name__}).",
                "The file may be cut off: copy it again.",
            ) from error


def _private_tags(group: int, offsets: Iterable[int]) -> list[int]:
    return [(group << 16) + (block << 8) + offset for block in (0x10, 0x11) for offset in offsets]


def _private(header: Dataset, group: int, creator: str, offset: int) -> Any:
    try:
        return header.private_block(group, creator)[offset].value
    except KeyError:
        return None


def _acquired(header: Dataset) -> datetime | None:
    stamp = _stamp(header.get("AcquisitionDateTime"))
    if stamp is not None:
        return stamp
    time = _text(header, "AcquisitionTime")
    return parsed_time(_text(header, "AcquisitionDate"), time) if time else None


def _injected(tracer: Dataset, near: datetime | None) -> tuple[datetime | None, bool]:
    """Return when the tracer was injected, and whether its date is stated; a time alone is put on the scan's day."""
    stamp = _stamp(tracer.get("RadiopharmaceuticalStartDateTime"))
    if stamp is not None:
        return stamp, True
    time = _text(tracer, "RadiopharmaceuticalStartTime")
    if not time or near is None:
        return None, False
    return parsed_time(near.strftime("%Y%m%d"), time), False


def _stamp(value: Any) -> datetime | None:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    text = str(value or "").strip(" \0")
    return parsed_time(text[:8], text[8:]) if len(text) >= 10 else None


def _text(header: Dataset, keyword: str) -> str:
    value = header.get(keyword)
    return "" if value is None else str(value).strip()


def _several(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) else list(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace").strip(" \0")
    try:
        return None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return None


def _positive(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 < number < float("inf") else None
