"""Arrays in expressions: what comes of several may be somewhat larger than the largest of them, not without end."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from AIImagingLogic.models.bundle_config.outside_limits import OutsideLimitsError
from AIImagingLogic.models.safety.limits import limit

_TIMES = 64


def refuse_growth(values: Iterable[Any]) -> None:
    """Refuse values whose result could be far larger than any of them: by broadcasting, or one after the other.

    Raises
    ------
    OutsideLimitsError
        It could.
    """
    shapes = [tuple(int(length) for length in value.shape) for value in _arrays(values, 0)]
    if not shapes:
        return
    largest = max(math.prod(shape) for shape in shapes)
    together = math.prod(
        max(shape[-axis] if axis <= len(shape) else 1 for shape in shapes)
        for axis in range(1, max(len(shape) for shape in shapes) + 1)
    )
    if max(together, sum(math.prod(shape) for shape in shapes)) > max(limit("expression_items"), _TIMES * largest):
        raise OutsideLimitsError("an array that grows without end")


def _arrays(values: Iterable[Any], depth: int) -> Iterable[Any]:
    for value in values:
        if hasattr(value, "shape"):
            yield value
        elif isinstance(value, (list, tuple)) and depth < 3:
            yield from _arrays(value, depth + 1)
