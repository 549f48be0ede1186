"""Sums and percentages that do not miss a limit by rounding: 10.3 to 7.21 mm is a fall of exactly 30%."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache


@lru_cache(maxsize=4096)
def exact(value: float) -> Fraction:
    """Return a number as it is written in decimal, without the error of its binary form."""
    return Fraction(repr(float(value)))


def rise(before: Fraction, after: Fraction) -> float:
    """Return the rise as the nearest number; negative when it fell."""
    return float(after - before)


def rise_percent(before: Fraction, after: Fraction) -> float:
    """Return the rise in percent of `before`; infinite from 0 upwards, 0 when both are 0."""
    if before == 0:
        return math.inf if after > 0 else 0.0
    return float(100 * (after - before) / before)
