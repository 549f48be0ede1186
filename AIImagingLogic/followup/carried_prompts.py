"""What a person showed at one visit, carried to another: clicks, strokes, box and lasso."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from AIImagingLogic.images.geometry import Points
from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.prompts import Prompts, Stroke

Carry = Callable[[ArrayLike], tuple[Points, NDArray[np.bool_]]]
"""Takes points (N, 3) of one visit, LPS mm; returns where they lie at the other, and which have a place there."""

_TILT_MM = 1.0
_ROWS = 16


def carried_prompts(prompts: Prompts, carry: Carry) -> tuple[Prompts, tuple[str, ...]]:
    """Return prompts at another visit.

    A stroke is carried point by point. A box stays a box: its axes turn with the middle, and it holds the carried
    corners. A lasso lies in no one slice of another image: it becomes strokes that fill it.

    Parameters
    ----------
    prompts : LPS mm of the one visit
    carry : to the other

    Returns
    -------
    Prompts
        LPS mm of the other visit.
    tuple of str
        What could not be carried, one sentence each.
    """
    lost = 0

    def points(places: Sequence[Vector]) -> tuple[Vector, ...]:
        nonlocal lost
        if not places:
            return ()
        found, known = carry(places)
        lost += int(np.count_nonzero(~known))
        return _vectors(found[known])

    strokes = []
    for stroke in (*prompts.strokes, *_filled(prompts.lasso_mm)):
        line = points(stroke.points_mm)
        if line:
            strokes.append(Stroke(line, stroke.inside, stroke.radius_mm))
    box = None if prompts.box is None else carried_box(prompts.box, carry)
    carried = Prompts(points(prompts.inside_mm), points(prompts.outside_mm), tuple(strokes), box)
    notes = []
    if lost:
        notes.append(f"{lost} shown points have no place at the other visit and were left out.")
    if prompts.box is not None and box is None:
        notes.append("The box has no place at the other visit and was left out.")
    return carried, tuple(notes)


def carried_box(box: OrientedBox, carry: Carry) -> OrientedBox | None:
    """Return a box at another visit; None when its middle or a corner has no place there. A flat box stays flat."""
    axes, center = np.array(box.axes), np.array(box.center_mm)
    signs = np.stack(np.meshgrid(*([-1.0, 1.0],) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    corners = center + (signs * np.array(box.size_mm) / 2) @ axes
    ends = np.concatenate([center + _TILT_MM * axes, center - _TILT_MM * axes])
    found, known = carry(np.concatenate([corners, ends, center[None]]))
    if not known.all():
        return None
    turned = _right_angled((found[8:11] - found[11:14]) / (2 * _TILT_MM))
    along = (found[:8] - found[14]) @ turned.T
    low, high = along.min(axis=0), along.max(axis=0)
    size = np.where(np.array(box.size_mm) > 0, high - low, 0.0)
    (middle,) = _vectors((found[14] + ((low + high) / 2) @ turned)[None])
    (edges,) = _vectors(size[None])
    first, second, third = _vectors(turned)
    return OrientedBox(middle, edges, (first, second, third))


def places_within(
    prompts: Prompts, inside: Callable[[ArrayLike], NDArray[np.bool_]]
) -> tuple[Prompts, tuple[str, ...]]:
    """Return the prompts that lie in an image, and a sentence on those that do not.

    Parameters
    ----------
    prompts : LPS mm
    inside : says of points (N, 3) which lie in the image
    """
    left_out = 0

    def held(places: tuple[Vector, ...]) -> tuple[Vector, ...]:
        nonlocal left_out
        if not places:
            return ()
        flags = inside(places)
        left_out += int(np.count_nonzero(~flags))
        return tuple(place for place, flag in zip(places, flags, strict=True) if flag)

    lines = [(held(stroke.points_mm), stroke) for stroke in prompts.strokes]
    strokes = tuple(Stroke(line, stroke.inside, stroke.radius_mm) for line, stroke in lines if line)
    box = prompts.box
    if box is not None and not inside([box.center_mm]).all():
        box, left_out = None, left_out + 1
    kept = Prompts(held(prompts.inside_mm), held(prompts.outside_mm), strokes, box)
    notes = (f"{left_out} shown points lie outside the image of the other visit and were left out.",)
    return kept, notes if left_out else ()


def _filled(lasso_mm: tuple[Vector, ...]) -> tuple[Stroke, ...]:
    """Return strokes that fill a lasso, in its own plane, row by row."""
    if not lasso_mm:
        return ()
    if len(lasso_mm) < 3:
        raise GeometryError("A lasso has less than three points.", "Draw it around the object.")
    corners = np.array(lasso_mm)
    middle = corners.mean(axis=0)
    plane = np.linalg.svd(corners - middle, full_matrices=False)[2][:2]
    flat = (corners - middle) @ plane.T
    step = float(np.ptp(flat[:, 1])) / _ROWS
    if step == 0:
        return ()
    lines: list[list[Points]] = []
    for row in range(_ROWS):
        height = float(flat[:, 1].min()) + (row + 0.5) * step
        crossings = _crossings(flat, height)
        for left, right in zip(crossings[::2], crossings[1::2], strict=True):
            # Half a row away from the line on either side, so that rounding does not take it over.
            inset = min(step / 2, (right - left) / 4)
            ends = np.array([[left + inset, height], [right - inset, height]])
            # There and back: one stroke for the whole, as long as the way to the next row stays within the lasso.
            ends = ends if row % 2 == 0 else ends[::-1]
            if lines and len(crossings) == 2 and _holds(flat, lines[-1][-1][-1], ends[0]):
                lines[-1].append(ends)
            else:
                lines.append([ends])
    return tuple(Stroke(_vectors(middle + np.concatenate(line) @ plane), True) for line in lines)


def _holds(flat: Points, start: Points, end: Points) -> bool:
    """Whether the way between two points lies within a closed line."""
    for share in np.linspace(0, 1, _ROWS + 1)[1:-1]:
        across, height = start + share * (end - start)
        if sum(crossing < across for crossing in _crossings(flat, float(height))) % 2 == 0:
            return False
    return True


def _crossings(flat: Points, height: float) -> list[float]:
    found = []
    for (a0, b0), (a1, b1) in zip(flat, np.roll(flat, -1, axis=0), strict=True):
        if (b0 > height) != (b1 > height):
            found.append(float(a0 + (height - b0) * (a1 - a0) / (b1 - b0)))
    return sorted(found)


def _right_angled(axes: Points) -> Points:
    """Return the right-handed unit axes nearest to three vectors, which a deformation made a little oblique."""
    left, _, right = np.linalg.svd(axes)
    turned: Points = left @ right
    if np.linalg.det(turned) < 0:
        turned[2] = -turned[2]
    return turned


def _vectors(points: ArrayLike) -> tuple[Vector, ...]:
    return tuple((float(x), float(y), float(z)) for x, y, z in np.asarray(points).reshape(-1, 3))
