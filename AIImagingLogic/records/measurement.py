"""A measured number with its unit and code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from AIImagingLogic.records.coding import Code
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.resources import load_resource


@dataclass(frozen=True)
class Measurement(Record):
    """A number, its unit (UCUM) and, where known, its 95% interval.

    `name` is a key of Resources/measurements.json, where its label, unit, code and digits stand.
    """

    name: str
    value: float
    unit: str
    code: Code | None = None
    interval_95: tuple[float, float] | None = None


def measurement(name: str, value: float, interval_95: tuple[float, float] | None = None) -> Measurement:
    """Return a measurement with the unit and code that Resources/measurements.json gives for `name`.

    Raises
    ------
    KeyError
        The table has no such name.
    """
    entry = measurement_entry(name)
    code = Code.from_json(entry["code"]) if entry.get("code") else None
    return Measurement(name, float(value), entry["unit"], code, interval_95)


def measurement_entry(name: str) -> dict[str, Any]:
    """Return label, unit, code and digits of the measurement `name`."""
    entry: dict[str, Any] = load_resource("measurements.json")["measurements"][name]
    return entry
