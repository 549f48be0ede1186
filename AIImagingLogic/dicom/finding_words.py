"""What is said of a finding as words of a report: descriptors, review, type, reader and times, written and read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_type import NoduleType

REVIEW, TYPE, READER, REVIEWED, FOUND = "review", "stated_type", "reader", "reviewed", "found"
# PS3.5 6.2: the meaning of a code is a long string.
_LONGEST_WORD = 64


def words_of_finding(finding: Finding) -> dict[str, str]:
    """Return what is said of a finding by the names under which a report says it; what is not said is left out.

    Raises
    ------
    OutputError
        The reader's name or code has characters that DICOM has no room for.
    """
    if len(finding.reader) > _LONGEST_WORD or not finding.reader.isprintable() or "\\" in finding.reader:
        raise OutputError(
            f"The reader '{finding.reader[:80]}' cannot be written to DICOM.",
            f"Use {_LONGEST_WORD} characters or fewer, without a backslash or line break.",
        )
    words = {
        **finding.descriptors,
        REVIEW: finding.review.value,
        TYPE: "" if finding.stated_type is None else finding.stated_type.value,
        READER: finding.reader,
        REVIEWED: "" if finding.reviewed is None else finding.reviewed.isoformat(),
        FOUND: "" if finding.found is None else finding.found.isoformat(),
    }
    return {name: word for name, word in words.items() if word}


def fields_of_words(words: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a `Finding` that words say; a word that is not of ours becomes a descriptor."""
    left = dict(words)
    review, kind = left.pop(REVIEW, ""), left.pop(TYPE, "")
    fields: dict[str, Any] = {
        "review": next((status for status in ReviewStatus if status.value == review), ReviewStatus.UNREVIEWED),
        "stated_type": next((known for known in NoduleType if known.value == kind), None),
        "reader": left.pop(READER, ""),
        "reviewed": _time(left.pop(REVIEWED, "")),
        "found": _time(left.pop(FOUND, "")),
    }
    return {**fields, "descriptors": left}


def _time(word: str) -> datetime | None:
    """Return a time with its zone; another program's word of this name is none."""
    try:
        time = datetime.fromisoformat(word)
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
