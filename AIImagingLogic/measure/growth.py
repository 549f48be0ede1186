"""Change between two measurements with its 95% interval, and the volume doubling time."""

from __future__ import annotations

import math

from AIImagingLogic.measure.repeatability import Z_95, repeatability
from AIImagingLogic.records.measurement import measurement_entry
from AIImagingLogic.records.timeline import Change, Growth

Interval = tuple[float, float]
Intervals = tuple[Interval | None, Interval | None]

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
    source : key of ``statements`` in Resources/rules/repeatability.json, that of volumes when not given

    Returns
    -------
    float or None
        None where the source states nothing for that size.

    Raises
    ------
    KeyError
        There is no such source.
    """
    stated = repeatability("volume", source)
    return None if stated is None else stated.variation_at(diameter_mm)


def measured_change(
    name: str,
    before: float,
    after: float,
    diameters_mm: tuple[float, float] | None = None,
    source: str | None = None,
    intervals_95: Intervals | None = None,
) -> Change:
    """Return the change of one measurement, with its 95% interval where an error is known.

    Parameters
    ----------
    name : key of Resources/measurements.json
    before, after : in the unit of that table
    diameters_mm : mean diameter at both visits, for a repeatability that depends on the size
    source : key of ``statements`` in Resources/rules/repeatability.json; default: that of the measurement
    intervals_95 : of both measurements (`Measurement.interval_95`), where they have one

    Notes
    -----
    From a statement, the interval of a volume change is +-1.96 sqrt((V1 CV1)^2 + (V2 CV2)^2) around it. Where both
    measurements have an interval of their own, the log of their ratio has the square root of the sum of their squares,
    and that interval is given: it knows the voxels of these two images. `beyond_error` says that the change is beyond
    every error that is known: its interval leaves out zero, and it is beyond what is stated of patients scanned twice.
    """
    absolute = after - before
    percent = 100 * absolute / before if before else None
    stated = _stated_reach(name, before, after, diameters_mm, source)
    own = _own_reach(before, after, intervals_95)
    reach = own or stated
    interval = None
    if reach is not None and percent is not None:
        interval = (percent - 100 * reach[0] / before, percent + 100 * reach[1] / before)
    known = [entry for entry in (own, stated) if entry is not None]
    return Change(
        name=name,
        unit=measurement_entry(name)["unit"],
        before=before,
        after=after,
        absolute=absolute,
        percent=percent,
        interval_95_percent=interval,
        beyond_error=all(_leaves_out_zero(absolute, entry) for entry in known) if known else None,
    )


def growth_of(
    volume: Change | None,
    mean_diameter: Change | None,
    interval_days: float | None,
    source: str | None = None,
    intervals_95: Intervals | None = None,
) -> Growth | None:
    """Say whether a lesion grew, and its volume doubling time with its 95% interval.

    The volume decides; without volumes, or where nothing is stated of their error, the mean diameter does. The doubling
    time is left out when the change lies inside the measurement error or the visits are not dated.

    Parameters
    ----------
    volume, mean_diameter : from `measured_change`, None when not measured at both visits
    interval_days : between the visits, None when one is undated
    source, intervals_95 : of the volumes, as given to `measured_change`

    Returns
    -------
    Growth or None
        None when neither measurement allows a statement.
    """
    deciding = next((change for change in (volume, mean_diameter) if change and change.beyond_error is not None), None)
    if deciding is None:
        return None
    own = intervals_95 if deciding is volume else None
    words = change_words(deciding)
    other = mean_diameter if deciding is volume else None
    # Of the diameters as they are shown: the reader subtracts these.
    beside = f"; mean diameter {round(other.after, 1) - round(other.before, 1):+.1f} mm" if other else ""
    error = error_words(deciding, source if deciding is volume else None, own)
    if not deciding.beyond_error:
        return Growth("stable", f"{words}, inside the measurement error ({error}){beside}.")
    label = "growing" if deciding.absolute > 0 else "shrinking"
    reason = f"{words}, beyond the measurement error ({error}){beside}"
    if interval_days is None or interval_days <= 0:
        return Growth(label, f"{reason}. No doubling time: the visits are not dated or of the same time.")
    dimension = 3 if deciding is volume else 1
    diameters = (mean_diameter.before, mean_diameter.after) if mean_diameter else None
    days = doubling_time_days(deciding.before, deciding.after, interval_days, dimension)
    deviation = log_ratio_deviation(deciding, diameters, source if deciding is volume else None, own)
    interval = None
    if deviation is not None:
        interval = doubling_interval(deciding.before, deciding.after, deviation, interval_days, dimension)
    return Growth(label, f"{reason}, in {interval_days:.0f} days.", days, interval)


def doubling_interval(
    before: float, after: float, deviation: float, interval_days: float, dimension: int = 3
) -> Interval | None:
    """Return the 95% interval of a doubling time, days; infinite where it reaches no growth.

    Parameters
    ----------
    before, after : > 0, as in `doubling_time_days`
    deviation : standard deviation of log(after / before)

    Returns
    -------
    tuple or None
        None when the size did not change.
    """
    log_ratio = math.log(after / before)
    if log_ratio == 0:
        return None
    half = Z_95 * deviation
    scale = interval_days * math.log(2) * dimension / 3
    slow, quick = (log_ratio - half, log_ratio + half) if log_ratio > 0 else (log_ratio + half, log_ratio - half)
    reaches_no_change = slow * log_ratio <= 0
    limit = math.copysign(math.inf, log_ratio) if reaches_no_change else scale / slow
    low, high = sorted((scale / quick, limit))
    return low, high


def log_ratio_deviation(
    change: Change,
    diameters_mm: tuple[float, float] | None = None,
    source: str | None = None,
    intervals_95: Intervals | None = None,
) -> float | None:
    """Return the standard deviation of the log of `after` over `before`, None where no error is known."""
    if change.before <= 0 or change.after <= 0:
        return None
    own = _own_deviation(intervals_95)
    if own is not None:
        return own
    stated = repeatability(change.name, source)
    shares = stated.variations(change.before, change.after, diameters_mm) if stated else None
    return None if shares is None else math.hypot(*shares)


def change_words(change: Change) -> str:
    """Return a change in words: from, to, percent and its interval."""
    entry = measurement_entry(change.name)
    digits = int(entry["digits"])
    unit = "mm\N{SUPERSCRIPT THREE}" if change.unit == "mm3" else change.unit
    text = f"{entry['label']} {change.before:.{digits}f} to {change.after:.{digits}f} {unit}"
    if change.percent is None:
        return text
    text += f" ({change.percent:+.0f}%"
    if change.interval_95_percent is not None:
        text += f", 95% interval {change.interval_95_percent[0]:+.0f} to {change.interval_95_percent[1]:+.0f}%"
    return f"{text})"


def error_words(change: Change, source: str | None = None, intervals_95: Intervals | None = None) -> str:
    """Return which errors a change was compared with, in words; empty when none is known."""
    stated = repeatability(change.name, source)
    words = [] if stated is None else [stated.words(change.unit)]
    if _own_deviation(intervals_95) is not None:
        words.append("that of the two measurements" if not words else "and that of the two measurements")
    return ", ".join(words).replace(", and", " and")


def _stated_reach(
    name: str, before: float, after: float, diameters_mm: tuple[float, float] | None, source: str | None
) -> Interval | None:
    stated = repeatability(name, source)
    if stated is None or before <= 0 or after <= 0:
        return None
    return stated.half_widths(before, after, diameters_mm)


def _own_reach(before: float, after: float, intervals_95: Intervals | None) -> Interval | None:
    deviation = _own_deviation(intervals_95)
    if deviation is None or before <= 0 or after <= 0:
        return None
    half = Z_95 * deviation
    return after - after * math.exp(-half), after * math.exp(half) - after


def _own_deviation(intervals_95: Intervals | None) -> float | None:
    """Return the standard deviation of the log of the ratio of two measurements that have intervals of their own."""
    if intervals_95 is None or intervals_95[0] is None or intervals_95[1] is None:
        return None
    if min(intervals_95[0][0], intervals_95[1][0]) <= 0:
        return None
    return math.hypot(*(math.log(high / low) / (2 * Z_95) for low, high in (intervals_95[0], intervals_95[1])))


def _leaves_out_zero(absolute: float, reach: Interval) -> bool:
    return absolute - reach[0] > _ROUNDING or absolute + reach[1] < -_ROUNDING
