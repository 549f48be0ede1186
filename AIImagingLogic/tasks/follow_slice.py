"""One slice of an outline is redrawn by a person: its neighbours follow as far as the image supports it."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.geometry import index_to_world, paste
from AIImagingLogic.models.builtin.outline_tools.edge_smoothing import RADIUS_MM, smooth_to_edge
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.errors import GeometryError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts, Stroke
from AIImagingLogic.tasks.any_refinement import open_any_refinement
from AIImagingLogic.tasks.refine import REFINE_MODEL

Flags = NDArray[np.bool_]
# A part of the slice that is nowhere deeper than this, in pixels, is how the line was drawn, not what was meant.
_THIN = 1.5
_MOST_ROWS = 12


def follow_slice(
    image: sitk.Image,
    info: ImageInfo,
    mask: sitk.Image,
    redrawn: sitk.Image,
    axis: int,
    index: int,
    model: str = REFINE_MODEL,
    progress: Progress | None = None,
) -> sitk.Image:
    """Return an outline after one of its slices was redrawn.

    What the redrawn slice adds and takes is shown to the model as strokes in that slice; it finds what in the
    neighbouring slices belongs to that, and its border there moves onto edges nearby. The slice itself becomes exactly
    what was drawn.

    Parameters
    ----------
    image, info : 3D
    mask : the outline so far on its grid, integers, 0 is background
    redrawn : uint8 on the grid of the slice, 1 in the object: that of `image` with one voxel along `axis`
    axis : 0, 1 or 2: the slice is across i, j or k
    index : of the slice along it
    model : id of a model that refines

    Returns
    -------
    sitk.Image
        uint8 on the grid of `image`, 1 in the object.

    Raises
    ------
    GeometryError
        The slice is not one of the image, or of another size.
    """
    before = np.asarray(sitk.GetArrayViewFromImage(mask) != 0)
    across = 2 - axis
    if not 0 <= index < before.shape[across]:
        raise GeometryError(f"The image has no slice {index}.", "Draw in a slice of the image.")
    drawn = np.asarray(sitk.GetArrayViewFromImage(redrawn) != 0).squeeze(axis=across)
    was = before.take(index, axis=across)
    if drawn.shape != was.shape:
        raise GeometryError("The redrawn slice is not of the size of the image's slices.", "Draw it again.")
    outline = sitk.GetImageFromArray(before.astype(np.uint8))
    outline.CopyInformation(image)
    strokes = [
        Stroke(_points(image, line, axis, index), inside)
        for changed, inside in ((drawn & ~was, True), (was & ~drawn, False))
        for line in lines_through(changed)
    ]
    if strokes:
        session = open_any_refinement(image, info, outline if before.any() else None, model)
        outline = paste(session.refine(Prompts(strokes=tuple(strokes)), progress or Progress()), outline)
    voxels = _on_edges(image, outline, before)
    chosen: list[slice | int] = [slice(None)] * 3
    chosen[across] = index
    voxels[tuple(chosen)] = drawn
    result = sitk.GetImageFromArray(voxels)
    result.CopyInformation(image)
    return result


def _on_edges(image: sitk.Image, outline: sitk.Image, before: Flags) -> NDArray[np.uint8]:
    """Return the outline, (k, j, i), its border on edges of the image where the model changed it, and beside that."""
    found = sitk.GetArrayFromImage(outline)
    changed = (found != 0) != before
    if not changed.any() or not found.any():
        return found
    radius_mm = float((3 * np.count_nonzero(found) * np.prod(image.GetSpacing()) / (4 * np.pi)) ** (1 / 3))
    moved = smooth_to_edge(image, outline, min(RADIUS_MM, radius_mm / 2))
    near = ndimage.binary_dilation(changed, iterations=2)
    return np.where(near, sitk.GetArrayViewFromImage(moved), found)


def lines_through(flags: Flags) -> list[NDArray[np.int64]]:
    """Return lines (N, 2), pixels, through each part of a slice that is more than an unsteady hand; none leaves it."""
    labels, count = ndimage.label(flags)
    found = []
    for number in range(1, count + 1):
        part = np.asarray(labels == number)
        if ndimage.distance_transform_edt(np.pad(part, 1)).max() <= _THIN:
            continue
        found += _rows(part)
    return found


def _rows(part: Flags) -> list[NDArray[np.int64]]:
    """Return lines along rows of a part, there and back, joined where the way from one to the next lies in the part."""
    (rows,) = np.nonzero(part.any(axis=1))
    lines: list[list[tuple[int, int]]] = []
    for turn, row in enumerate(rows[:: max(1, -(-len(rows) // _MOST_ROWS))].tolist()):
        edges = np.flatnonzero(np.diff(np.pad(part[row].astype(np.int8), 1)))
        runs = [(int(first), int(last) - 1) for first, last in zip(edges[::2], edges[1::2], strict=True)]
        for first, last in runs:
            ends = [(row, first), (row, last)][:: 1 if turn % 2 == 0 else -1]
            if lines and len(runs) == 1 and _holds(part, lines[-1][-1], ends[0]):
                lines[-1] += ends
            else:
                lines.append(ends)
    return [np.array(line) for line in lines]


def _holds(part: Flags, start: tuple[int, int], end: tuple[int, int]) -> bool:
    count = 2 * max(abs(end[0] - start[0]), abs(end[1] - start[1])) + 1
    steps = np.linspace(0, 1, count)[:, None]
    places = np.rint(np.array(start) + steps * (np.array(end) - start)).astype(int)
    return bool(part[tuple(places.T)].all())


def _points(image: sitk.Image, line: NDArray[np.int64], axis: int, index: int) -> tuple[Vector, ...]:
    places = np.insert(line, 2 - axis, index, axis=1)[:, ::-1]
    return tuple((float(x), float(y), float(z)) for x, y, z in index_to_world(image, places))
