"""Numbers as a reader wants them: with the unit, the digits of Resources/measurements.json, and the uncertainty."""

from __future__ import annotations

import math
import re

from AIImagingLogic.records.measurement import Measurement, measurement_entry

Interval = tuple[float, float]

MINUS = "\N{MINUS SIGN}"
EN_DASH = "\N{EN DASH}"

_PRINTED_UNITS = {
    "mm2": "mm²",
    "mm3": "mm³",
    "cm3": "cm³",
    "mL": "ml",
    "[hnsf'U]": "HU",
    "1": "",
    "d": "days",
    "g/ml{SUVbw}": "g/ml",
    "g/ml{SUVlbm(Janma)}": "g/ml",
    "um2/s": "10⁻⁶ mm²/s",
}
_DAYS_OF_TEN_YEARS = 3653


def unit_label(unit: str) -> str:
    """Return how a UCUM unit is printed: ``mm3`` as mm³, ``[hnsf'U]`` as HU."""
    return _PRINTED_UNITS.get(unit, unit)


def unit_slug(unit: str) -> str:
    """Return a UCUM unit in letters that a column name may hold: ``[hnsf'U]`` as HU, ``%`` as percent."""
    plain = {"[hnsf'U]": "HU", "%": "percent", "1": ""}.get(unit, unit)
    return re.sub(r"\W+", "_", plain).strip("_")


def rounded(value: float, digits: int) -> str:
    """Return `value` with `digits` decimals and a true minus sign; never a negative zero."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float, digits: int) -> str:
    """Return `value` with its sign, also when it is positive; no sign for zero."""
    text = rounded(value, digits)
    return f"+{text}" if value > 0 and float(text) != 0 else text


def quantity(name: str, value: float, unit: str | None = None) -> str:
    """Return a value of the measurement `name` with its unit, such as ``8.3 mm``."""
    entry = measurement_entry(name)
    label = unit_label(unit or entry["unit"])
    return f"{rounded(value, entry['digits'])} {label}".strip()


def measured(measurement: Measurement | None) -> str:
    """Return a measurement with its unit and, where it is known, its 95% interval; empty when it was not made."""
    if measurement is None:
        return ""
    text = quantity(measurement.name, measurement.value, measurement.unit)
    interval = measured_interval(measurement)
    return f"{text} ({interval})" if interval else text


def measured_interval(measurement: Measurement | None) -> str:
    """Return the 95% interval of a measurement, in its unit; empty when it is not known."""
    if measurement is None or measurement.interval_95 is None:
        return ""
    digits = measurement_entry(measurement.name)["digits"]
    low, high = measurement.interval_95
    return f"95%: {rounded(low, digits)}{EN_DASH}{rounded(high, digits)}"


def percent_change(percent: float | None) -> str:
    """Return a change in percent with its sign; empty when it has none (it began at zero)."""
    return "" if percent is None else f"{signed(percent, 0)}%"


def percent_interval(interval: Interval | None) -> str:
    """Return the 95% interval of a change in percent; empty when it is not known."""
    if interval is None:
        return ""
    low, high = interval
    if math.isinf(low) or math.isinf(high):
        return f"95%: {_bound(low)} to {_bound(high)}"
    return f"95%: {signed(low, 0)} to {signed(high, 0)}%"


def doubling_time(days: float | None) -> str:
    """Return a volume doubling time (days), or the halving time of a shrinking lesion; empty when not stated."""
    if days is None:
        return ""
    time = f"{rounded(abs(days), 0)} days" if abs(days) < _DAYS_OF_TEN_YEARS else "more than 10 years"
    return f"doubles in {time}" if days > 0 else f"halves in {time}"


def doubling_interval(interval: Interval | None) -> str:
    """Return the 95% interval of a doubling or halving time; empty when it is not known."""
    if interval is None:
        return ""
    low, high = interval
    if low < 0 < high:
        return "95%: from halving to doubling"
    low, high = sorted((abs(low), abs(high)))
    if math.isinf(high):
        return f"95%: {rounded(low, 0)} or more"
    return f"95%: {rounded(low, 0)}{EN_DASH}{rounded(high, 0)}"


def _bound(value: float) -> str:
    if math.isinf(value):
        return "no upper limit" if value > 0 else "no lower limit"
    return f"{signed(value, 0)}%"
