"""A line drawn around the object in one slice: that slice of the segment anew, and what the rest needs to follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.jobs.job import ImageInput
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.coordinates import array_of_vtk_matrix
from AIImagingLogic.scene.editor_rules import source_in
from AIImagingLogic.scene.editor_rules_lattice import (
    Extent,
    Lattice,
    common_box,
    enclosing_box,
    lattice_of,
    oriented_box,
    segment_in,
    shape_of,
    voxels_of,
)
from AIImagingLogic.scene.editor_rules_write import selected
from AIImagingLogic.scene.host import load_slicer, load_vtk
from AIImagingLogic.scene.segment_correction_proposal import segment_box
from AIImagingLogic.scene.segment_correction_shortcuts import ShortcutInput

FOLLOW = "AIImagingLogic.tasks.follow_slice:follow_slice"
_MARGIN_MM = 20.0
_MOST_TILT_VOXELS = 1.0
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def redrawn_slice(editor_node: Any, line_ras: Sequence[Sequence[float]]) -> tuple[ShortcutInput, dict[str, Any]]:
    """Return the selected segment in a box, and the arguments of `follow_slice` for a line drawn around it.

    Parameters
    ----------
    editor_node : vtkMRMLSegmentEditorNode with segmentation, selected segment and source volume
    line_ras : closed line, (N, 3) RAS mm of the world, in one slice of the segmentation's grid

    Raises
    ------
    SceneError
        The line lies across slices, beside the segmentation, or has less than three points; no segment is selected, or
        there is no source volume.
    """
    node, segment_id = selected(editor_node)
    lattice = lattice_of(node)
    corners = _indices(node, lattice, line_ras)
    if len(corners) < 3:
        raise SceneError("The line has less than three points.", "Draw around the object.")
    axis = int(np.argmin(np.ptp(corners, axis=0)))
    if np.ptp(corners[:, axis]) > _MOST_TILT_VOXELS:
        raise SceneError(
            "The slice view lies across the slices of the segmentation.",
            "Turn it along them ('Rotate to volume plane' in the view's menu).",
        )
    index = round(float(corners[:, axis].mean()))
    extent = _box(node, segment_id, lattice, corners, axis, index)
    voxels = voxels_of(source_in(editor_node.GetSourceVolumeNode(), node, oriented_box(lattice, extent))).copy()
    given = ShortcutInput(lattice, extent, segment_in(node, segment_id, lattice, extent).view(np.uint8), voxels)
    first = np.array(extent[::2])
    drawn = np.expand_dims(_held_by(np.delete(corners - first, axis, axis=1), given.mask.shape, axis), 2 - axis)
    slice_image = ImageInput(drawn.astype(np.uint8), given.spacing, (0.0, 0.0, 0.0), _IDENTITY)
    return given, {**given.arguments(), "redrawn": slice_image, "axis": axis, "index": int(index - first[axis])}


def _box(
    node: Any, segment_id: str, lattice: Lattice, corners: npt.NDArray[np.float64], axis: int, index: int
) -> Extent:
    """Return a box around the segment and the line, with room for what follows."""
    low, high = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
    low[axis] = high[axis] = index
    box: Extent = (int(low[0]), int(high[0]), int(low[1]), int(high[1]), int(low[2]), int(high[2]))
    if not lattice.extent[2 * axis] <= index <= lattice.extent[2 * axis + 1] or 0 in shape_of(
        common_box(box, lattice.extent)
    ):
        raise SceneError("The line lies beside the segmentation.", "Draw in a slice of it.")
    held, _mask = segment_box(node, segment_id, lattice)
    if 0 not in shape_of(held):
        box = enclosing_box(box, held)
    steps = np.ceil(_MARGIN_MM / np.linalg.norm(lattice.ijk_to_ras[:3, :3], axis=0)).astype(int).tolist()
    wide = [box[number] + (-steps[number // 2], steps[number // 2])[number % 2] for number in range(6)]
    i0, i1, j0, j1, k0, k1 = wide
    return common_box((i0, i1, j0, j1, k0, k1), lattice.extent)


def _indices(node: Any, lattice: Lattice, line_ras: Sequence[Sequence[float]]) -> npt.NDArray[np.float64]:
    """Return where points of the world, RAS mm, lie in the lattice, voxels i, j, k."""
    matrix = load_vtk().vtkMatrix4x4()
    if not load_slicer().vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
        None, node.GetParentTransformNode(), matrix
    ):
        raise SceneError(f"'{node.GetName()}' stands under a transform that is not linear.", "Harden it first.")
    to_index = np.linalg.inv(lattice.ijk_to_ras) @ array_of_vtk_matrix(matrix)
    points = np.asarray(line_ras, dtype=np.float64).reshape(-1, 3)
    indices: npt.NDArray[np.float64] = points @ to_index[:3, :3].T + to_index[:3, 3]
    return indices


def _held_by(corners: npt.NDArray[np.float64], shape: tuple[int, ...], axis: int) -> npt.NDArray[np.bool_]:
    """Return which pixels of a slice a closed line holds, in the order of the arrays.

    `corners` are (N, 2) along the two axes of the slice, i before j before k; `shape` is (k, j, i) of the box.
    """
    size = [count for number, count in enumerate(shape[::-1]) if number != axis]
    second, first = np.meshgrid(np.arange(size[1]), np.arange(size[0]), indexing="ij")
    odd = np.zeros(first.shape, dtype=bool)
    for (a0, b0), (a1, b1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if b0 == b1:
            continue
        spans = (b0 > second) != (b1 > second)
        odd ^= spans & (first < a0 + (second - b0) * (a1 - a0) / (b1 - b0))
    return odd
