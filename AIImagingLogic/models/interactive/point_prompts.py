"""Prompts for models that take points alone: what stands for a stroke, a box or a lasso."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.records.prompts import Prompts

Points = NDArray[np.float64]
_OF_A_STROKE = 5


def point_prompts(prompts: Prompts) -> tuple[Points, Points]:
    """Return points (N, 3) in the object and points (M, 3) beside it, LPS mm.

    A stroke becomes up to five of its points, evenly along it. A lasso becomes its middle, and so does a box, but only
    where nothing else shows the object: neither says that its middle belongs to it.
    """
    inside, outside = list(prompts.inside_mm), list(prompts.outside_mm)
    for stroke in prompts.strokes:
        count = min(_OF_A_STROKE, len(stroke.points_mm))
        chosen = np.unique(np.rint(np.linspace(0, len(stroke.points_mm) - 1, count)).astype(int))
        (inside if stroke.inside else outside).extend(stroke.points_mm[number] for number in chosen)
    if not inside and prompts.lasso_mm:
        x, y, z = (float(value) for value in np.mean(prompts.lasso_mm, axis=0))
        inside.append((x, y, z))
    if not inside and prompts.box is not None:
        inside.append(prompts.box.center_mm)
    return np.array(inside, dtype=float).reshape(-1, 3), np.array(outside, dtype=float).reshape(-1, 3)
