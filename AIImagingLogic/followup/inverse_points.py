"""Where points come from: the inverse of a transform at single points, without inverting the whole field."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.images.geometry import Points, transform_points

_STEP_MM = 0.5
_MOST_ITERATIONS = 40
_MOST_HALVINGS = 5


def inverse_points(
    transform: sitk.Transform, points: ArrayLike, exact_mm: float = 1e-3
) -> tuple[Points, NDArray[np.float64]]:
    """Return the points that `transform` takes to `points`.

    Newton's method with the transform's Jacobian taken by finite differences over 0.5 mm; a step that does not come
    nearer is halved. A linear transform is inverted exactly.

    Parameters
    ----------
    transform : of LPS mm to LPS mm
    points : (N, 3) mm, LPS, on the far side of the transform
    exact_mm : a point is done when the transform takes it this near to its target

    Returns
    -------
    (N, 3) mm, LPS
        The best points found.
    (N,) mm
        How far the transform takes each from its target. A large value says that there is no such point: the transform
        folds there, or ends.
    """
    targets = np.asarray(points, dtype=float).reshape(-1, 3)
    if len(targets) == 0:
        return targets, np.zeros(0)
    if transform.IsLinear():
        sources = transform_points(transform.GetInverse(), targets)
        return sources, _distance(transform_points(transform, sources), targets)
    sources = 2 * targets - transform_points(transform, targets)
    away = transform_points(transform, sources) - targets
    for _ in range(_MOST_ITERATIONS):
        open_ = np.linalg.norm(away, axis=1) > exact_mm
        if not open_.any():
            break
        steps = _newton_steps(transform, sources[open_], away[open_])
        moved, left = _nearer(transform, sources[open_], targets[open_], away[open_], steps)
        stuck = np.array_equal(moved, sources[open_])
        sources[open_], away[open_] = moved, left
        if stuck:
            break
    return sources, np.linalg.norm(away, axis=1)


def _newton_steps(transform: sitk.Transform, sources: Points, away: Points) -> Points:
    jacobian = np.empty((len(sources), 3, 3))
    for axis in range(3):
        shift = np.zeros(3)
        shift[axis] = _STEP_MM
        ahead, behind = (transform_points(transform, sources + sign * shift) for sign in (1, -1))
        jacobian[:, :, axis] = (ahead - behind) / (2 * _STEP_MM)
    regular = np.abs(np.linalg.det(jacobian)) > 1e-3
    steps = -away
    steps[regular] = -np.linalg.solve(jacobian[regular], away[regular][..., None])[..., 0]
    return steps


def _nearer(
    transform: sitk.Transform, sources: Points, targets: Points, away: Points, steps: Points
) -> tuple[Points, Points]:
    """Take each step, halved until it comes nearer; where it never does, stay."""
    sources, away = sources.copy(), away.copy()
    waiting = np.ones(len(sources), dtype=bool)
    for halving in range(_MOST_HALVINGS + 1):
        tried = sources[waiting] + steps[waiting] / 2**halving
        left = transform_points(transform, tried) - targets[waiting]
        better = np.linalg.norm(left, axis=1) < np.linalg.norm(away[waiting], axis=1)
        chosen = np.flatnonzero(waiting)[better]
        sources[chosen], away[chosen] = tried[better], left[better]
        waiting[chosen] = False
        if not waiting.any():
            break
    return sources, away


def _distance(first: Points, second: Points) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.linalg.norm(first - second, axis=1)
    return distances
