"""What other programs' words say of a finding: uid, review, type, times, axes."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime

import numpy as np
from pydicom.uid import UID, generate_uid

from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.finding import ReviewStatus
from AIImagingLogic.records.finding_type import NoduleType
from AIImagingLogic.records.resources import load_resource

_ORTHOGONAL = 1e-3
_FEWEST_DOTS = 2
_CLASSES = {"0": ReviewStatus.REJECTED, "1": ReviewStatus.ACCEPTED}


def finding_uid(given: str, scan: str, center_mm: Vector, name: str, taken: Container[str]) -> str:
    """Return the uid that a file gives, else one made of scan, place and name; never one that is taken.

    A number, which a DICOM UID may be too, is only the number of a row or point.
    """
    if given.count(".") >= _FEWEST_DOTS and UID(given).is_valid and given not in taken:
        return given
    sources = ["findings", given, scan, ",".join(f"{value:.3f}" for value in center_mm), name]
    while (uid := str(generate_uid(entropy_srcs=sources))) in taken:
        sources.append("another")
    return uid


def review_of(where: str, word: str, number: str) -> ReviewStatus:
    """Return the review that a file states: in our words, or as LUNA16's class, 1 a nodule and 0 none.

    Raises
    ------
    UnreadableImageError
        Neither word nor class is known; `where` is named.
    """
    if word:
        status = next((known for known in ReviewStatus if known.value == word.lower()), None)
        if status is None:
            known = ", ".join(each.value for each in ReviewStatus)
            raise UnreadableImageError(f"{where}: '{word}' is no review.", f"It is one of {known}.")
        return status
    if not number:
        return ReviewStatus.UNREVIEWED
    plain = number.removesuffix(".0")
    if plain not in _CLASSES:
        raise UnreadableImageError(f"{where}: '{number}' is no class.", "It is 1 for a nodule, 0 for none.")
    return _CLASSES[plain]


def type_of(word: str) -> NoduleType | None:
    """Return the type that a word names, in one of the spellings that are in use; None when it is not known."""
    types = load_resource("findings/csv_columns.json")["types"]
    plain = " ".join(word.lower().replace("_", " ").split())
    return next((NoduleType(name) for name, words in types.items() if plain == name or plain in words), None)


def time_of(where: str, text: str) -> datetime | None:
    """Return a time with its zone, None for an empty text.

    Raises
    ------
    UnreadableImageError
        It is no time of ISO 8601, or has no zone; `where` is named.
    """
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise UnreadableImageError(
            f"{where}: '{text}' is no time with a zone.", "Write it like 2026-03-02T09:30:00+08:00."
        )
    return time


def right_handed(axes: Sequence[float]) -> bool:
    """Whether nine numbers are three unit vectors at right angles, right-handed; row by row."""
    matrix = np.array(axes).reshape(3, 3)
    return bool(np.allclose(matrix @ matrix.T, np.eye(3), atol=_ORTHOGONAL) and np.linalg.det(matrix) > 0)
