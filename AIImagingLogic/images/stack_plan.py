"""How the slices of a series lie in the patient: their order, their gaps, and what stands against one volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.images.dicom_file import Frame
from AIImagingLogic.images.slice_gaps import increments_in_words, refuse_missing_slices, refuse_wide_gaps
from AIImagingLogic.records.errors import GeometryError

# Cosines of one orientation, written with as few as four digits.
_ORIENTATION_TOLERANCE = 1e-3
# Slices closer than this lie at one position.
_SAME_POSITION_MM = 0.01
# A slice may lie this far from an even grid: in increments, or by the rounding of positions to 0.1 mm.
_EVEN_INCREMENTS = 0.05
_POSITION_ROUNDING_MM = 0.051
# The whole stack may lean by this share of a pixel before it counts as sheared.
_LEAN_PIXELS = 0.25


@dataclass(frozen=True)
class StackPlan:
    """Slices in order along the normal, and the grid they lie on.

    Attributes
    ----------
    frames : from the lowest to the highest along `axes` k
    axes : (3, 3) unit vectors as columns: along a row (i), along a column (j), the normal (k); right-handed, LPS
    depths_mm : (n,) position along the normal
    shifts_mm : (n, 2) how far each slice is displaced along i and j from the first one
    pixel_spacing_mm : along i, j
    increment_mm : of the even grid
    even : False when the slices must be resampled to lie on a grid
    notes : what was seen
    """

    frames: tuple[Frame, ...]
    axes: NDArray[np.float64]
    depths_mm: NDArray[np.float64]
    shifts_mm: NDArray[np.float64]
    pixel_spacing_mm: tuple[float, float]
    increment_mm: float
    even: bool
    notes: tuple[str, ...]


def plan_stack(frames: Sequence[Frame]) -> tuple[StackPlan, tuple[tuple[Frame, Frame], ...]]:
    """Put slices in order along their normal.

    Returns
    -------
    plan : StackPlan
        Of the slices at different positions.
    doubles : pairs of slices
        The one in the plan, and another one at the same position, that must prove to be its copy.

    Raises
    ------
    GeometryError
        The slices make no volume: one slice, no position, several sizes or orientations, several images at each
        position, missing slices, or gaps too wide to interpolate.
    """
    positions, axes = _common_frame(frames)
    depths = positions @ axes[:, 2]
    order = np.argsort(depths, kind="stable")
    chosen, doubles = _without_doubles([frames[n] for n in order], depths[order])
    kept = order[chosen]
    if len(kept) < 2:
        raise GeometryError("The series holds one slice, not a volume.", "Choose a series with more slices.")
    ordered = tuple(frames[n] for n in kept)
    shifts = (positions[kept] - positions[kept[0]]) @ axes[:, :2]
    between_rows, between_columns = ordered[0].pixel_spacing or (0.0, 0.0)
    spacing = (between_columns, between_rows)
    increment, even, notes = _increments(ordered, depths[kept])
    lean, lean_notes = _lean(shifts, depths[kept], spacing)
    plan = StackPlan(ordered, axes, depths[kept], shifts, spacing, increment, even and not lean, (*lean_notes, *notes))
    return plan, doubles


def _common_frame(frames: Sequence[Frame]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions (n, 3) and axes (3, 3, columns i, j, k) of slices that share size, spacing and orientation."""
    if not frames:
        raise GeometryError("The series holds no image.", "Choose a series of slices.")
    if any(frame.position is None or frame.orientation is None for frame in frames):
        raise GeometryError(
            "The slices have no position and orientation in the patient.", "Choose a cross-sectional series."
        )
    if len({(frame.rows, frame.columns) for frame in frames}) > 1:
        sizes = sorted({f"{frame.columns} x {frame.rows}" for frame in frames})
        raise GeometryError(f"The slices differ in size: {', '.join(sizes)} pixels.", "Split the series by size.")
    orientations = np.array([frame.orientation for frame in frames])
    kinds = np.unique(np.round(orientations / (2 * _ORIENTATION_TOLERANCE)), axis=0)
    if len(kinds) > 1 and np.ptp(orientations, axis=0).max() > _ORIENTATION_TOLERANCE:
        raise GeometryError(
            f"The slices have {len(kinds)} orientations ({_planes(orientations)}).", "Split the series by orientation."
        )
    _refuse_spacings(frames)
    row, column = orientations.mean(axis=0).reshape(2, 3)
    lengths = np.linalg.norm((row, column), axis=1)
    if np.any(np.abs(lengths - 1) > 0.01) or abs(row @ column) > 0.01:
        raise GeometryError("The direction cosines of the slices are not at right angles.", "Export the series again.")
    row = row / np.linalg.norm(row)
    column = column - (column @ row) * row
    column /= np.linalg.norm(column)
    return np.array([frame.position for frame in frames]), np.stack([row, column, np.cross(row, column)], axis=1)


def _refuse_spacings(frames: Sequence[Frame]) -> None:
    if any(frame.pixel_spacing is None for frame in frames):
        raise GeometryError("The series does not state its pixel spacing.", "Choose a calibrated series.")
    spacings = np.array([frame.pixel_spacing for frame in frames])
    if np.any(spacings <= 0) or np.ptp(spacings, axis=0).max() > 1e-4 * spacings.max():
        found = sorted({" x ".join(f"{value:.4g}" for value in row) for row in spacings})
        raise GeometryError(f"The slices differ in pixel spacing: {', '.join(found)} mm.", "Split the series.")


def _planes(orientations: NDArray[np.float64]) -> str:
    """Return in words which planes occur, from the axis nearest to each normal."""
    normals = np.cross(orientations[:, :3], orientations[:, 3:])
    names = np.array(["sagittal", "coronal", "axial"])[np.abs(normals).argmax(axis=1)]
    return ", ".join(f"{np.count_nonzero(names == name)} {name}" for name in dict.fromkeys(names))


def _without_doubles(
    frames: Sequence[Frame], depths: NDArray[np.float64]
) -> tuple[list[int], tuple[tuple[Frame, Frame], ...]]:
    """Return which slices to keep, one a position, and the pairs of a kept slice with its likely copies.

    Slices at one position that say of themselves that they differ (another b-value, another echo) are no copies.
    """
    groups: list[list[int]] = []
    for number, depth in enumerate(depths):
        if groups and depth - depths[groups[-1][0]] <= _SAME_POSITION_MM:
            groups[-1].append(number)
        else:
            groups.append([number])
    doubles = [(frames[group[0]], frames[other]) for group in groups for other in group[1:]]
    if doubles:
        _refuse_different_images([[frames[number] for number in group] for group in groups])
    return [group[0] for group in groups], tuple(doubles)


def _refuse_different_images(groups: Sequence[Sequence[Frame]]) -> None:
    several = [group for group in groups if len(group) > 1]
    for mark in several[0][0].marks:
        values = [{frame.marks.get(mark, "") for frame in group} for group in several]
        if any(len(found) > 1 for found in values):
            told = sorted(set().union(*values), key=lambda text: (len(text), text))
            shown = ", ".join(told[:4]) + (", ..." if len(told) > 4 else "")
            raise several_images_error(max(len(group) for group in several), len(several), f"{mark} {shown}")


def several_images_error(images: int, positions: int, difference: str) -> GeometryError:
    """Return the error for a series that holds more than one image at a position."""
    places = "one position" if positions == 1 else f"each of {positions} positions"
    return GeometryError(
        f"The series holds {images} images at {places} ({difference}).",
        "Split it into one series for each image, then choose one.",
    )


def _increments(frames: Sequence[Frame], depths: NDArray[np.float64]) -> tuple[float, bool, tuple[str, ...]]:
    """Return the increment of the even grid, whether the slices lie on it, and notes."""
    steps = np.diff(depths)
    numbers = np.arange(len(depths))
    increment, start = np.polyfit(numbers, depths, 1)
    off = np.abs(depths - (start + increment * numbers)).max()
    if off <= max(_EVEN_INCREMENTS * increment, _POSITION_ROUNDING_MM):
        return float((depths[-1] - depths[0]) / (len(depths) - 1)), True, ()
    thickness = np.array([frame.thickness_mm or 0.0 for frame in frames])
    refuse_missing_slices(depths, thickness)
    refuse_wide_gaps(depths, thickness)
    # The finer part of the stack keeps its resolution.
    even = float(np.percentile(steps, 25))
    note = (
        f"The slice increment varies ({increments_in_words(steps)} mm): "
        f"the slices were interpolated to every {even:.2f} mm."
    )
    return even, False, (note,)


def _lean(
    shifts: NDArray[np.float64], depths: NDArray[np.float64], spacing: tuple[float, float]
) -> tuple[bool, tuple[str, ...]]:
    """Return whether the stack is sheared, and a note with its angle."""
    along = depths - depths[0]
    slope = (along @ shifts) / (along @ along)
    drift_pixels = np.abs(slope * along[-1]) / spacing
    stray = np.abs(shifts - np.outer(along, slope)) / spacing
    if drift_pixels.max() <= _LEAN_PIXELS and stray.max() <= 0.5:
        return False, ()
    if stray.max() > 0.5:
        return True, ("The slices are displaced against each other in their plane: they were shifted back.",)
    angle = float(np.degrees(np.arctan(np.linalg.norm(slope))))
    return True, (f"The gantry was tilted by {angle:.1f} degrees: the slices were resampled to right angles.",)
