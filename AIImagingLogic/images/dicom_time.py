"""When a DICOM image was acquired."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pydicom.dataset import Dataset

_PAIRS = (
    ("AcquisitionDate", "AcquisitionTime"),
    ("SeriesDate", "SeriesTime"),
    ("StudyDate", "StudyTime"),
    ("ContentDate", "ContentTime"),
)


def acquisition_time(dataset: Dataset) -> datetime | None:
    """Return date and time of acquisition, else of the series, else of the study; None when the file does not say.

    The time is as the scanner wrote it, without a time zone.
    """
    stamp = str(dataset.get("AcquisitionDateTime") or "")
    found = parsed_time(stamp[:8], stamp[8:])
    for date, time in _PAIRS:
        found = found or parsed_time(str(dataset.get(date) or ""), str(dataset.get(time) or ""))
    return found


def parsed_time(date: str, time: str) -> datetime | None:
    """Return a DICOM date (YYYYMMDD, or the retired YYYY.MM.DD) with a DICOM time (HHMMSS.FFFFFF, any of it absent)."""
    digits = re.fullmatch(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})", date.strip())
    if digits is None:
        return None
    try:
        day = datetime(int(digits[1]), int(digits[2]), int(digits[3]))
    except ValueError:
        return None
    clock = re.match(r"(\d{2}):?(\d{2})?:?(\d{2})?(\.\d{1,6})?", time.strip())
    if clock is None:
        return day
    hours, minutes, seconds = (int(clock[part] or 0) for part in (1, 2, 3))
    return day + timedelta(hours=hours, minutes=minutes, seconds=seconds + float(clock[4] or 0))
