"""Codes of our records as highdicom's, and back."""

from __future__ import annotations

import hashlib
from typing import Any

import highdicom as hd
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code as _Coded

from AIImagingLogic.images.terminology_entry import concept_from_entry, terminology_entry
from AIImagingLogic.records.coding import Code, CodedConcept

# For what has no published code (PS3.16 8.2: schemes of a designator that begins with 99 are private).
PRIVATE_SCHEME = "99AIIMAGING"
# PS3.5 6.2: a code meaning is a long string, a code value a short one.
_LONGEST_MEANING, _LONGEST_VALUE = 64, 16


def dicom_code(code: Code) -> Any:
    """Return a code as a `highdicom.sr.CodedConcept`; a value of more than 16 characters becomes a long code."""
    return hd.sr.CodedConcept(code.value, code.scheme, code.meaning[:_LONGEST_MEANING])


def private_code(value: str, meaning: str) -> Code:
    """Return a code of this program's own scheme.

    A value that is long or not ASCII is cut and made unique by its hash: not every program reads codes of more than 16
    characters, and a code's value must read the same in every character set.
    """
    if len(value) > _LONGEST_VALUE or not value.isascii():
        start = "".join(letter for letter in value if letter.isascii())[: _LONGEST_VALUE - 6]
        value = f"{start}{hashlib.sha256(value.encode()).hexdigest()[:6]}"
    return Code(value, PRIVATE_SCHEME, meaning)


def code_from_dicom(item: Dataset) -> Code:
    """Return the code of an item of a code sequence; long codes and URNs too (PS3.3 8.1)."""
    value = next((item.get(key) for key in ("CodeValue", "LongCodeValue", "URNCodeValue") if item.get(key)), "")
    return Code(str(value), str(item.get("CodingSchemeDesignator", "")), str(item.get("CodeMeaning", "")))


def same_code(first: Code, second: Code | None) -> bool:
    """Whether two codes mean the same; SNOMED's retired codes (SRT) equal those that took their place (SCT)."""
    if second is None:
        return False
    return bool(_Coded(first.value, first.scheme, "") == _Coded(second.value, second.scheme, ""))


def concept_of_codes(
    category: Code, kind: Code, modifier: Code | None, name: str, colour: tuple[int, int, int]
) -> CodedConcept:
    """Return the concept of Resources/terminology with these codes; one of its own, with `name`, when none has them."""
    own = CodedConcept(f"{kind.scheme}-{kind.value}", name, category, kind, modifier, colour)
    plain = [None if code is None else Code(code.value, code.scheme, "") for code in (category, kind, modifier)]
    entry = terminology_entry(CodedConcept(own.key, name, plain[0] or category, plain[1] or kind, plain[2], colour))
    known = concept_from_entry(entry, name, colour)
    return own if known.key == own.key else known
