"""Change between two measurements with its 95% interval, and the volume doubling time."""

from __future__ import annotations

import math
from typing import Any

from AIImagingLogic.records.measurement import measurement_entry
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Change, Growth

_Z_95 = 1.959964
"""Half width of the central 95% of a normal distribution, in standard deviations."""

# A change of exactly the limit is inside it, whatever the last bits of the floating point numbers say.
_ROUNDING = 1e-9


def doubling_time_days(before: float, after: float, interval_days: float, dimension: int = 3) -> float:
    """Return the time in which a volume doubles, had it grown exponentially; negative when it shrank.

    Parameters
    ----------
    before, after : > 0; volumes (mm3) with `dimension` 3, diameters (mm) with `dimension` 1
    interval_days : > 0
    dimension : 3 when the two are volumes, 1 when they are diameters

    Returns
    -------
    float
        Days; infinite when nothing changed.

    Raises
    ------
    ValueError
        A size or the interval is not positive.

    References
    ----------
    Schwartz M. A biomathematical approach to clinical tumor growth. Cancer 1961.
    """
    if before <= 0 or after <= 0 or interval_days <= 0:
        raise ValueError("A doubling time needs two positive sizes and a positive interval.")
    growth = math.log(after / before) * (3 / dimension)
    return math.inf if growth == 0 else interval_days * math.log(2) / growth


def volume_variation(diameter_mm: float, source: str | None = None) -> float | None:
    """Return the coefficient of variation (share of the volume) of one volume measurement.

    Parameters
    ----------
    diameter_mm : mean diameter of the nodule
    source : key of ``volume`` in Resources/rules/repeatability.json, the default of that file when not given

    Returns
    -------
    float or None
        None where the source states nothing for that size.

    Raises
    ------
    KeyError
        There is no such source.
    """
    entry = _volume_source(source)
    if entry["kind"] == "limits":
        # 95% limits of the relative difference of two measurements: sqrt(2) times the variation of one.
        return float(entry["limits_percent"] / 100 / (_Z_95 * math.sqrt(2)))
    points = entry["cv_by_diameter_mm"]
    if diameter_mm < points[0][0]:
        return None
    for (low, low_cv), (high, high_cv) in zip(points, points[1:]):
        if diameter_mm <= high:
            return float(low_cv + (high_cv - low_cv) * (diameter_mm - low) / (high - low))
    return float(points[-1][1])


def measured_change(
    name: str,
    before: float,
    after: float,
    diameters_mm: tuple[float, float] | None = None,
    source: str | None = None,
) -> Change:
    """Return the change of one measurement, with its 95% interval where a repeatability is stated.

    Parameters
    ----------
    name : key of Resources/measurements.json
    before, after : in the unit of that table
    diameters_mm : mean diameter at both visits, for a repeatability that depends on the size
    source : of the repeatability of volumes, see `volume_variation`

    Notes
    -----
    The interval of a volume change is +-1.96 sqrt((V1 CV1)^2 + (V2 CV2)^2) around it. `beyond_error` says that the
    interval leaves out zero.
    """
    absolute = after - before
    variations = _variations(name, before, after, diameters_mm, source)
    half_width = None
    if variations is not None:
        half_width = _Z_95 * math.hypot(before * variations[0], after * variations[1])
    percent = 100 * absolute / before if before else None
    interval = None
    if half_width is not None and percent is not None:
        interval = (percent - 100 * half_width / before, percent + 100 * half_width / before)
    return Change(
        name=name,
        unit=measurement_entry(name)["unit"],
        before=before,
        after=after,
        absolute=absolute,
        percent=percent,
        interval_95_percent=interval,
        beyond_error=None if half_width is None else abs(absolute) > half_width + _ROUNDING,
    )


def growth_of(
    volume: Change | None,
    mean_diameter: Change | None,
    interval_days: float | None,
    source: str | None = None,
) -> Growth | None:
    """Say whether a lesion grew, and its volume doubling time with its 95% interval.

    The volume decides; without volumes, or where nothing is stated of their error, the mean diameter does. The doubling
    time is left out when the change lies inside the measurement error or the visits are not dated.

    Parameters
    ----------
    volume, mean_diameter : from `measured_change`, None when not measured at both visits
    interval_days : between the visits, None when one is undated
    source : of the repeatability of volumes, as given to `measured_change`

    Returns
    -------
    Growth or None
        None when neither measurement allows a statement.
    """
    deciding = next((change for change in (volume, mean_diameter) if change and change.beyond_error is not None), None)
    if deciding is None:
        return None
    words = _change_words(deciding)
    other = mean_diameter if deciding is volume else None
    beside = f"; mean diameter {other.absolute:+.1f} mm" if other else ""
    if not deciding.beyond_error:
        return Growth("stable", f"{words}, inside the measurement error ({_error_words(deciding, source)}){beside}.")
    label = "growing" if deciding.absolute > 0 else "shrinking"
    reason = f"{words}, beyond the measurement error ({_error_words(deciding, source)}){beside}"
    if interval_days is None or interval_days <= 0:
        return Growth(label, f"{reason}. No doubling time: the visits are not dated or of the same time.")
    dimension = 3 if deciding is volume else 1
    diameters = (mean_diameter.before, mean_diameter.after) if mean_diameter else None
    variations = _variations(deciding.name, deciding.before, deciding.after, diameters, source)
    days = doubling_time_days(deciding.before, deciding.after, interval_days, dimension)
    interval = None if variations is None else _doubling_interval(deciding, variations, interval_days, dimension)
    return Growth(label, f"{reason}, in {interval_days:.0f} days.", days, interval)


def _doubling_interval(
    change: Change, variations: tuple[float, float], interval_days: float, dimension: int
) -> tuple[float, float]:
    """Propagate the relative errors of both sizes to the log of their ratio, and from there to the doubling time."""
    log_ratio = math.log(change.after / change.before)
    half = _Z_95 * math.hypot(*variations)
    scale = interval_days * math.log(2) * dimension / 3
    slow, quick = (log_ratio - half, log_ratio + half) if log_ratio > 0 else (log_ratio + half, log_ratio - half)
    reaches_no_change = slow * log_ratio <= 0
    limit = math.copysign(math.inf, log_ratio) if reaches_no_change else scale / slow
    low, high = sorted((scale / quick, limit))
    return low, high


def _variations(
    name: str, before: float, after: float, diameters_mm: tuple[float, float] | None, source: str | None
) -> tuple[float, float] | None:
    """Return the coefficients of variation of the two measurements, None where nothing is stated of them."""
    table = load_resource("rules/repeatability.json")
    kind = table["changes"].get(name, {}).get("error")
    if kind is None or before <= 0 or after <= 0:
        return None
    if kind == "diameter":
        deviation = table["diameter"]["limit_mm"] / (_Z_95 * math.sqrt(2))
        return deviation / before, deviation / after
    # Without diameters, those of spheres of the same volumes.
    sizes = diameters_mm or ((6 * before / math.pi) ** (1 / 3), (6 * after / math.pi) ** (1 / 3))
    first, second = (volume_variation(size, source) for size in sizes)
    return None if first is None or second is None else (first, second)


def _change_words(change: Change) -> str:
    label = measurement_entry(change.name)["label"]
    text = f"{label} {change.before:.{_digits(change)}f} to {change.after:.{_digits(change)}f} {_unit(change)}"
    if change.percent is None:
        return text
    text += f" ({change.percent:+.0f}%"
    if change.interval_95_percent is not None:
        text += f", 95% interval {change.interval_95_percent[0]:+.0f} to {change.interval_95_percent[1]:+.0f}%"
    return f"{text})"


def _error_words(change: Change, source: str | None) -> str:
    if change.name != "volume":
        return f"{load_resource('rules/repeatability.json')['diameter']['limit_mm']} mm"
    entry = _volume_source(source)
    limits = entry.get("limits_percent")
    return entry["name"] if limits is None else f"\N{PLUS-MINUS SIGN}{limits:.0f}%, {entry['name']}"


def _unit(change: Change) -> str:
    return "mm\N{SUPERSCRIPT THREE}" if change.unit == "mm3" else change.unit


def _digits(change: Change) -> int:
    return int(measurement_entry(change.name)["digits"])


def _volume_source(source: str | None) -> dict[str, Any]:
    table = load_resource("rules/repeatability.json")
    entry: dict[str, Any] = table["volume"][source or table["volume_default"]]
    return entry
