"""Gaps between slices: missing ones found, and gaps too wide to fill by interpolation refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.records.errors import GeometryError

# A gap that is a whole multiple of the usual increment, to this share of it, is the place of missing slices.
_MULTIPLE_TOLERANCE = 0.1
# Neighbouring slices see the tissue between them when the gap is at most this many slice thicknesses.
_SEEN_THICKNESSES = 1.25
# Without a stated thickness, a gap may be this many times the usual increment.
_WIDEST_GAP_INCREMENTS = 2.0
_NAMED_GAPS = 5


def refuse_missing_slices(depths_mm: NDArray[np.float64], thickness_mm: NDArray[np.float64]) -> None:
    """Refuse a stack that is even but for gaps of a whole number of increments.

    Parameters
    ----------
    depths_mm : (n,) ascending, along the normal
    thickness_mm : (n,), 0 where unknown

    Raises
    ------
    GeometryError
        Names the positions that are missing.
    """
    steps = np.diff(depths_mm)
    usual = float(np.median(steps))
    multiples = np.rint(steps / usual)
    whole = np.abs(steps / usual - multiples) <= _MULTIPLE_TOLERANCE
    gaps = np.flatnonzero(multiples >= 2)
    thicker = _seen(steps, thickness_mm) & (np.ptp(thickness_mm) > 0)
    if not np.all(whole) or not len(gaps) or np.all(thicker[gaps]):
        return
    missing = [depths_mm[gap] + usual * number for gap in gaps for number in range(1, int(multiples[gap]))]
    named = ", ".join(f"{value:.1f}" for value in missing[:_NAMED_GAPS])
    more = f" and {len(missing) - _NAMED_GAPS} more" if len(missing) > _NAMED_GAPS else ""
    noun = "slice is" if len(missing) == 1 else "slices are"
    raise GeometryError(
        f"{len(missing)} {noun} missing: the increment is {usual:.2f} mm, and nothing lies at {named}{more} mm "
        "along the slice normal.",
        "Copy or export the whole series again.",
    )


def refuse_wide_gaps(depths_mm: NDArray[np.float64], thickness_mm: NDArray[np.float64]) -> None:
    """Refuse a stack of varying increment with a gap that interpolation would fill with guesses.

    Raises
    ------
    GeometryError
        Names the widest gap.
    """
    steps = np.diff(depths_mm)
    allowed = np.median(steps) * _WIDEST_GAP_INCREMENTS
    wide = (steps > allowed) & ~_seen(steps, thickness_mm)
    if np.any(wide):
        widest = int(np.argmax(np.where(wide, steps, 0)))
        raise GeometryError(
            f"The slice increment varies ({increments_in_words(steps)} mm); the gap of {steps[widest]:.1f} mm at "
            f"{depths_mm[widest]:.1f} mm along the slice normal is too wide to interpolate.",
            "Choose a series without gaps.",
        )


def increments_in_words(steps_mm: NDArray[np.float64]) -> str:
    """Return the increments that occur, the frequent ones first, such as ``13 x 4.0, 13 x 7.0, 1 x 1.1``."""
    values, counts = np.unique(np.round(steps_mm, 1), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    told = [f"{counts[n]} x {values[n]:.1f}" for n in order[:_NAMED_GAPS]]
    return ", ".join(told) + (", ..." if len(order) > _NAMED_GAPS else "")


def _seen(steps_mm: NDArray[np.float64], thickness_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say of each gap whether its two slices are thick enough to reach across it."""
    reach = (thickness_mm[:-1] + thickness_mm[1:]) / 2
    return np.asarray((reach > 0) & (steps_mm <= _SEEN_THICKNESSES * reach))
