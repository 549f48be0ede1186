"""Whether a haematoma has grown between two visits: change of its volume, the error of that, and expansion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.resources import load_resource


@dataclass(frozen=True)
class HaematomaGrowth(Record):
    """Two volumes and what follows from them.

    Attributes
    ----------
    first_ml, second_ml : volumes at the two visits
    change_ml : second less first
    change_percent : of the first; None when there was no blood
    error_ml : 95% limit of the change of an unchanged haematoma
    beyond_error : whether the change is more than that
    expansion : whether the change meets the customary definition
    statement : the same in words, with the sources
    """

    first_ml: float
    second_ml: float
    change_ml: float
    change_percent: float | None
    error_ml: float
    beyond_error: bool
    expansion: bool
    statement: str


def haematoma_growth(first_ml: float, second_ml: float) -> HaematomaGrowth:
    """Return the change from one volume (ml) to a later one.

    Raises
    ------
    ValueError
        A volume is negative or no number.

    References
    ----------
    Brouwers HB, et al. Predicting hematoma expansion after primary intracerebral hemorrhage. JAMA Neurol
    2014;71:158-164: growth by more than 6 ml or 33 %.
    """
    if not (np.isfinite([first_ml, second_ml]).all() and min(first_ml, second_ml) >= 0):
        raise ValueError(f"Volumes are 0 ml or more, not {first_ml} and {second_ml}.")
    table = load_resource("rules/haemorrhage.json")
    rule, error = table["expansion"], table["volume_error"]
    change_ml = second_ml - first_ml
    percent = 100.0 * change_ml / first_ml if first_ml > 0 else None
    single = [max(error["percent"] / 100.0 * volume, error["least_ml"]) for volume in (first_ml, second_ml)]
    error_ml = float(np.hypot(*single))
    beyond = abs(change_ml) > error_ml
    # The percentage of nearly nothing is large: it counts for blood that is more than the error of its measurement.
    by_percent = percent is not None and first_ml > error["least_ml"] and percent > rule["percent"]
    expansion = change_ml > rule["ml"] or by_percent
    return HaematomaGrowth(
        first_ml,
        second_ml,
        change_ml,
        percent,
        error_ml,
        beyond,
        expansion,
        _statement(change_ml, percent, error_ml, beyond, expansion, rule["source"], error["source"]),
    )


def _statement(
    change_ml: float, percent: float | None, error_ml: float, beyond: bool, expansion: bool, source: str, error: str
) -> str:
    relative = "" if percent is None else f" ({percent:+.0f} %)"
    doubt = "more" if beyond else "not more"
    verdict = "meets" if expansion else "does not meet"
    return (
        f"Change {change_ml:+.1f} ml{relative}: {doubt} than the error of measurement of {error_ml:.1f} ml ({error}); "
        f"it {verdict} the definition of expansion ({source})."
    )
