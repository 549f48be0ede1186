"""Measurements as coded numbers of a structured report, and back by their codes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import highdicom as hd
from pydicom.dataset import Dataset

from AIImagingLogic.dicom.codes import PRIVATE_SCHEME, code_from_dicom, dicom_code, private_code, same_code
from AIImagingLogic.records.coding import Code
from AIImagingLogic.records.measurement import Measurement
from AIImagingLogic.records.resources import load_resource

_UNIT_WORDS = {"1": "no units", "mm3": "cubic millimeter", "mm": "millimeter", "[hnsf'U]": "Hounsfield unit"}
# UCUM lets a unit be written in several ways.
_OTHER_SPELLINGS = {"ml": "mL", "cm3": "mL", "{SUVbw}g/ml": "g/ml{SUVbw}", "HU": "[hnsf'U]", "{HU}": "[hnsf'U]"}
_DERIVATION = "121401"
_UPPER, _LOWER = "371886008", "371885007"


def measurement_item(made: Measurement) -> Any:
    """Return a measurement as a `highdicom.sr.Measurement`, with its 95% interval where it is known.

    A measurement without a published code gets one of this program's own scheme, with its label as the meaning.

    Raises
    ------
    ValueError
        The value is no number.

    References
    ----------
    DICOM PS3.16 TID 300 (Measurement), TID 310 (Measurement Properties).
    """
    if not math.isfinite(made.value):
        raise ValueError(f"The measurement '{made.name}' is no number.")
    entry = load_resource("measurements.json")["measurements"].get(made.name)
    code, derivation = _codes(made, entry)
    item = hd.sr.Measurement(
        name=dicom_code(code),
        value=made.value,
        unit=unit_code(made.unit),
        derivation=None if derivation is None else dicom_code(derivation),
        properties=_uncertainty(made),
    )
    for part in _children(item[0]):
        # highdicom gives an uncertainty no unit; it is in that of the value.
        if _name(part).value in (_UPPER, _LOWER):
            part.MeasuredValueSequence[0].MeasurementUnitsCodeSequence = [unit_code(made.unit)]
    return item


def unit_code(unit: str) -> Any:
    """Return a UCUM unit as a `highdicom.sr.CodedConcept`."""
    return hd.sr.CodedConcept(unit, "UCUM", _UNIT_WORDS.get(unit, unit))


def measurement_from_item(item: Dataset) -> Measurement | None:
    """Return the measurement of a NUM content item; None when it holds no number.

    One of our table (code, unit and derivation agree) gets its name there; any other is named by the words of its code
    and derivation, and keeps its code.
    """
    values = item.get("MeasuredValueSequence")
    if not values:
        return None
    number = values[0].get("FloatingPointValue")
    value = float(values[0].NumericValue if number is None else number)
    unit = code_from_dicom(values[0].MeasurementUnitsCodeSequence[0]).value
    unit = _OTHER_SPELLINGS.get(unit, unit)
    code = _name(item)
    derivation = next(
        (code_from_dicom(part.ConceptCodeSequence[0]) for part in _children(item) if _name(part).value == _DERIVATION),
        None,
    )
    name = known_name(code, unit, derivation)
    if name is None:
        words = f"{code.meaning} ({derivation.meaning})" if derivation else code.meaning
        return Measurement(words, value, unit, code, _interval(item, value))
    # The table says whether there is a published code.
    stated = load_resource("measurements.json")["measurements"][name]["code"]
    return Measurement(name, value, unit, Code.from_json(stated) if stated else None, _interval(item, value))


def known_name(code: Code, unit: str, derivation: Code | None) -> str | None:
    """Return the name that Resources/measurements.json has for a code in that unit, None when it has none."""
    table = load_resource("measurements.json")["measurements"]
    if code.scheme == PRIVATE_SCHEME:
        return next((name for name in table if private_code(name, "").value == code.value), None)
    for name, entry in table.items():
        stated, how = entry.get("code"), entry.get("derivation")
        if stated is None or entry["unit"] != unit or not same_code(Code.from_json(stated), code):
            continue
        if (how is None) == (derivation is None) and (how is None or same_code(Code.from_json(how), derivation)):
            return str(name)
    return None


def _codes(made: Measurement, entry: dict[str, Any] | None) -> tuple[Code, Code | None]:
    """Return code and derivation by which `measurement_from_item` finds the same name again."""
    if entry is None:
        return made.code or private_code(made.name, made.name), None
    derivation = Code.from_json(entry["derivation"]) if entry.get("derivation") else None
    code = Code.from_json(entry["code"]) if entry.get("code") else None
    if code is None or known_name(code, made.unit, derivation) != made.name:
        return private_code(made.name, entry["label"]), None
    return code, derivation


def _uncertainty(made: Measurement) -> Any:
    if made.interval_95 is None or not all(math.isfinite(end) for end in made.interval_95):
        return None
    low, high = made.interval_95
    return hd.sr.MeasurementProperties(
        upper_measurement_uncertainty=high - made.value, lower_measurement_uncertainty=made.value - low
    )


def _interval(item: Dataset, value: float) -> tuple[float, float] | None:
    found = {}
    for part in _children(item):
        if _name(part).value in (_UPPER, _LOWER) and part.get("MeasuredValueSequence"):
            number = part.MeasuredValueSequence[0]
            found[_name(part).value] = float(number.get("FloatingPointValue", number.NumericValue))
    return (value - found[_LOWER], value + found[_UPPER]) if len(found) == 2 else None


def _children(item: Dataset) -> Sequence[Dataset]:
    return item.get("ContentSequence") or ()


def _name(item: Dataset) -> Code:
    names = item.get("ConceptNameCodeSequence")
    return code_from_dicom(names[0]) if names else Code("", "", "")
