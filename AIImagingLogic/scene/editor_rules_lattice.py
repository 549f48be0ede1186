"""The voxel lattice on which the Segment Editor edits a segmentation, and boxes of it as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.coordinates import array_of_vtk_matrix, vtk_matrix
from AIImagingLogic.scene.host import load_slicer, load_vtk

LABELMAP = "Binary labelmap"
Extent = tuple[int, int, int, int, int, int]
"""First and last index along i, j, k, both included; the last before the first: nothing."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """The grid of a segmentation.

    Attributes
    ----------
    ijk_to_ras : (4, 4), voxel indices to RAS mm of the segmentation node (its parent transform left out)
    extent : the voxels that can be edited; need not begin at 0
    """

    ijk_to_ras: npt.NDArray[np.float64]
    extent: Extent


def lattice_of(segmentation_node: Any) -> Lattice:
    """Return the lattice of a segmentation: its reference geometry, grown to hold all its segments.

    Raises
    ------
    SceneError
        It is not stored as binary labelmaps, or has no geometry yet.
    """
    slicer = load_slicer()
    content = segmentation_node.GetSegmentation()
    if content.GetSourceRepresentationName() != LABELMAP:
        raise SceneError(
            f"'{segmentation_node.GetName()}' is stored as '{content.GetSourceRepresentationName()}'.",
            "Make binary labelmap its source representation in the Segmentations module first.",
        )
    geometry = slicer.vtkSlicerSegmentEditorLogic.GetReferenceImageGeometryStringFromSegmentation(content)
    image = slicer.vtkOrientedImageData()
    if not geometry or not slicer.vtkSegmentationConverter.DeserializeImageGeometry(geometry, image, False):
        raise SceneError(
            f"'{segmentation_node.GetName()}' has no geometry.", "Choose its source volume in the Segment Editor first."
        )
    matrix = load_vtk().vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return Lattice(array_of_vtk_matrix(matrix), image.GetExtent())


def lattice_of_volume(volume_node: Any) -> Lattice:
    """Return the lattice of a volume node."""
    matrix = load_vtk().vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return Lattice(array_of_vtk_matrix(matrix), tuple(volume_node.GetImageData().GetExtent()))


def shape_of(extent: Extent) -> tuple[int, int, int]:
    """Return the shape (k, j, i) of the array of a box."""
    first_i, last_i, first_j, last_j, first_k, last_k = extent
    return max(0, last_k - first_k + 1), max(0, last_j - first_j + 1), max(0, last_i - first_i + 1)


def common_box(one: Extent, other: Extent) -> Extent:
    """Return what two boxes have in common."""
    pairs = [(max(one[2 * axis], other[2 * axis]), min(one[2 * axis + 1], other[2 * axis + 1])) for axis in range(3)]
    return _extent(pairs)


def enclosing_box(one: Extent, other: Extent) -> Extent:
    """Return the smallest box that holds two."""
    pairs = [(min(one[2 * axis], other[2 * axis]), max(one[2 * axis + 1], other[2 * axis + 1])) for axis in range(3)]
    return _extent(pairs)


def part(extent: Extent, of: Extent) -> tuple[slice, slice, slice]:
    """Return the slices (k, j, i) of the box `extent` in the array of the box `of`, which holds it."""
    ranges = [slice(extent[2 * axis] - of[2 * axis], extent[2 * axis + 1] - of[2 * axis] + 1) for axis in range(3)]
    return ranges[2], ranges[1], ranges[0]


def box_of_true(mask: npt.NDArray[np.bool_], extent: Extent) -> Extent | None:
    """Return the smallest box around the voxels of a mask, which lies at `extent`; None when there are none."""
    # Along rows first, which lie in memory one behind the other; the columns then of what is left.
    rows: npt.NDArray[np.bool_] = np.any(mask, axis=2)
    (found_k,), (found_j,) = np.nonzero(np.any(rows, axis=1)), np.nonzero(np.any(rows, axis=0))
    if found_k.size == 0:
        return None
    left = mask[found_k[0] : found_k[-1] + 1, found_j[0] : found_j[-1] + 1]
    (found_i,) = np.nonzero(np.any(left.reshape(-1, left.shape[2]), axis=0))
    return _extent(
        [
            (extent[2 * axis] + int(found[0]), extent[2 * axis] + int(found[-1]))
            for axis, found in enumerate((found_i, found_j, found_k))
        ]
    )


def oriented_box(lattice: Lattice, extent: Extent, voxels: npt.NDArray[Any] | None = None) -> Any:
    """Return a box of the lattice as vtkOrientedImageData; without `voxels`, (k, j, i), its geometry alone."""
    box = load_slicer().vtkOrientedImageData()
    box.SetExtent(extent)
    box.SetImageToWorldMatrix(vtk_matrix(lattice.ijk_to_ras))
    if voxels is not None:
        from vtkmodules.util import numpy_support

        scalars = numpy_support.numpy_to_vtk(np.ascontiguousarray(voxels, dtype=np.uint8).ravel(), deep=True)
        scalars.SetName("ImageScalars")
        box.GetPointData().SetScalars(scalars)
    return box


def voxels_of(box: Any) -> npt.NDArray[Any]:
    """Return a view, (k, j, i), of the voxels of vtkOrientedImageData; it does not outlive them."""
    from vtkmodules.util import numpy_support

    return numpy_support.vtk_to_numpy(box.GetPointData().GetScalars()).reshape(shape_of(box.GetExtent()))


def segment_in(segmentation_node: Any, segment_id: str, lattice: Lattice, extent: Extent) -> npt.NDArray[np.bool_]:
    """Return where in a box of the lattice a segment lies, (k, j, i).

    Raises
    ------
    SceneError
        There is no such segment, or it holds no labelmap.
    """
    return any_segment_in(segmentation_node, [segment_id], lattice, extent)


def any_segment_in(
    segmentation_node: Any, segment_ids: Iterable[str], lattice: Lattice, extent: Extent
) -> npt.NDArray[np.bool_]:
    """Return where in a box of the lattice one of some segments lies, (k, j, i).

    Raises
    ------
    SceneError
        There is no such segment, or it holds no labelmap.
    """
    found = np.zeros(shape_of(extent), dtype=bool)
    for labels, segments in _layers(segmentation_node, segment_ids):
        if 0 not in shape_of(labels.GetExtent()):
            found |= _is_among(_labels_in(labels, lattice, extent), list(segments.values()))
    return found


def _is_among(voxels: npt.NDArray[Any], values: list[int]) -> npt.NDArray[np.bool_]:
    if len(values) == 1:
        return np.asarray(voxels == values[0])
    if voxels.dtype != np.uint8:
        return np.isin(voxels, values)
    # Ten times as quick as looking each voxel up among the values.
    table = np.zeros(256, dtype=bool)
    table[values] = True
    return table[voxels]


def segments_at(
    segmentation_node: Any,
    segment_ids: Iterable[str],
    lattice: Lattice,
    extent: Extent,
    where: npt.NDArray[np.bool_],
) -> dict[str, npt.NDArray[np.bool_]]:
    """Return of each segment whether it holds the voxels of a box at which `where`, (k, j, i), is true, in C order.

    Raises
    ------
    SceneError
        There is no such segment, or it holds no labelmap.
    """
    held: dict[str, npt.NDArray[np.bool_]] = {}
    for labels, segments in _layers(segmentation_node, segment_ids):
        if 0 in shape_of(labels.GetExtent()):
            voxels = np.zeros(np.count_nonzero(where), dtype=np.uint8)
        else:
            voxels = _labels_in(labels, lattice, extent)[where]
        held.update({segment_id: voxels == value for segment_id, value in segments.items()})
    return held


def _layers(segmentation_node: Any, segment_ids: Iterable[str]) -> list[tuple[Any, dict[str, int]]]:
    """Return every labelmap that segments share, and the label value of each of these."""
    layers: dict[Any, dict[str, int]] = {}
    for segment_id in segment_ids:
        segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
        labels = None if segment is None else segment.GetRepresentation(LABELMAP)
        if labels is None:
            raise SceneError(
                f"'{segmentation_node.GetName()}' has no segment '{segment_id}' with a labelmap.",
                "Choose another segment.",
            )
        layers.setdefault(labels, {})[segment_id] = segment.GetLabelValue()
    return list(layers.items())


def _labels_in(labels: Any, lattice: Lattice, extent: Extent) -> npt.NDArray[Any]:
    slicer = load_slicer()
    box = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        labels, oriented_box(lattice, extent), box, False
    )
    return voxels_of(box).copy()


def _extent(pairs: list[tuple[int, int]]) -> Extent:
    (first_i, last_i), (first_j, last_j), (first_k, last_k) = pairs
    return first_i, last_i, first_j, last_j, first_k, last_k
