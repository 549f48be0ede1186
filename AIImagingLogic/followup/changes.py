"""What changed between two findings of one lesion."""

from __future__ import annotations

from AIImagingLogic.measure.growth import growth_of, measured_change
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
    """
    diameters = None
    before, after = earlier.value("mean_diameter"), later.value("mean_diameter")
    if before is not None and after is not None:
        diameters = (before, after)
    changes = {}
    for name in load_resource("rules/repeatability.json")["changes"]:
        first, second = earlier.value(name), later.value(name)
        if first is not None and second is not None:
            changes[name] = measured_change(name, first, second, diameters)
    growth = growth_of(changes.get("volume"), changes.get("mean_diameter"), interval_days)
    return tuple(changes.values()), growth
