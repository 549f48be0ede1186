"""What changed between two findings of one lesion."""

from __future__ import annotations

from AIImagingLogic.measure.growth import Intervals, growth_of, measured_change
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Change, Growth


def changes_between(
    earlier: Finding, later: Finding, interval_days: float | None
) -> tuple[tuple[Change, ...], Growth | None]:
    """Return the change of every measurement made at both visits, and the growth that follows from them.

    Parameters
    ----------
    earlier, later : findings of one lesion
    interval_days : between the visits, None when one is undated

    Notes
    -----
    Where both volumes have an interval of their own (`Measurement.interval_95`), the change and the doubling time have
    theirs from these; the volume has then changed only if it did so beyond both these and the stated repeatability.
    """
    diameters = None
    before, after = earlier.value("mean_diameter"), later.value("mean_diameter")
    if before is not None and after is not None:
        diameters = (before, after)
    own = _volume_intervals(earlier, later)
    changes = {}
    for name in load_resource("rules/repeatability.json")["changes"]:
        first, second = earlier.value(name), later.value(name)
        if first is not None and second is not None:
            changes[name] = measured_change(
                name, first, second, diameters, intervals_95=own if name == "volume" else None
            )
    growth = growth_of(changes.get("volume"), changes.get("mean_diameter"), interval_days, intervals_95=own)
    return tuple(changes.values()), growth


def _volume_intervals(earlier: Finding, later: Finding) -> Intervals | None:
    first, second = earlier.measurement("volume"), later.measurement("volume")
    return (first.interval_95, second.interval_95) if first is not None and second is not None else None
