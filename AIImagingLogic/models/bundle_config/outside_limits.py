"""An expression that asks for more than any configuration needs."""

from __future__ import annotations

from AIImagingLogic.models.safety.limits import limit


class OutsideLimitsError(ValueError):
    """An expression asks for too much."""


def bounded(count: int) -> int:
    """Return a number of items that is not absurd.

    Raises
    ------
    OutsideLimitsError
        It is over the limit.
    """
    if count > limit("expression_items"):
        raise OutsideLimitsError(f"{count} items at once")
    return count
