"""The rules of the Segment Editor in a box: editable area, intensity mask, overwrite mode, one undo step.

The editor's logic masks over the whole grid, whatever the size of the edit, which takes a few hundred ms on a large CT.
Here the same rules are worked out in the box of the edit, by the same functions of Slicer where it has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.coordinates import vtk_matrix
from AIImagingLogic.scene.editor_rules_lattice import (
    Extent,
    Lattice,
    any_segment_in,
    box_of_true,
    oriented_box,
    part,
    segment_in,
    shape_of,
    voxels_of,
)
from AIImagingLogic.scene.editor_rules_region import BESIDE, INSIDE, Region, ras_between
from AIImagingLogic.scene.editor_rules_write import ChangedSegment, selected, visible_segments, write
from AIImagingLogic.scene.host import load_slicer, load_vtk

_NO_EXTENT: Extent = (0, -1, 0, -1, 0, -1)


@dataclass(frozen=True, eq=False)
class AppliedEdit:
    """What an edit did.

    Attributes
    ----------
    added, removed : how many voxels of the segment
    others : the other segments that it changed: they gave way, or took what was removed
    """

    added: int = 0
    removed: int = 0
    others: tuple[ChangedSegment, ...] = ()


@dataclass(frozen=True, eq=False)
class PlannedEdit:
    """What an edit would change of the selected segment.

    Attributes
    ----------
    lattice, extent : where the masks lie
    add, remove : bool (k, j, i)
    """

    lattice: Lattice
    extent: Extent
    add: npt.NDArray[np.bool_]
    remove: npt.NDArray[np.bool_]

    @property
    def added(self) -> int:
        """How many voxels it would add."""
        return int(np.count_nonzero(self.add))

    @property
    def removed(self) -> int:
        """How many voxels it would remove."""
        return int(np.count_nonzero(self.remove))

    @property
    def empty(self) -> bool:
        """Whether it would change nothing."""
        return not self.add.any() and not self.remove.any()


def apply_region(editor_node: Any, region: Region, save_state: Callable[[], object] | None = None) -> AppliedEdit:
    """Make the selected segment what `region` says, as far as the editor's settings let it.

    Parameters
    ----------
    editor_node : vtkMRMLSegmentEditorNode with segmentation, selected segment, and source volume where it masks by it
    region : on the lattice of the segmentation
    save_state : saves the segmentation for undo (the effect's `saveStateForUndo`, or `SaveStateForUndo` of the editor's
        logic); called once, before anything is changed, and not at all when nothing will be

    Returns
    -------
    AppliedEdit

    Raises
    ------
    SceneError
        No segment is selected, or it holds no labelmap, or the intensity mask cannot be worked out.
    """
    planned = planned_edit(editor_node, region)
    if planned.empty:
        return AppliedEdit()
    if save_state is not None:
        save_state()
    others = write(editor_node, planned.lattice, planned.extent, planned.add, planned.remove)
    return AppliedEdit(planned.added, planned.removed, others)


def planned_edit(editor_node: Any, region: Region) -> PlannedEdit:
    """Return what making the selected segment what `region` says would change, as far as the settings let it.

    Raises
    ------
    SceneError
        As `apply_region`.
    """
    nothing = PlannedEdit(region.lattice, _NO_EXTENT, *(np.zeros(shape_of(_NO_EXTENT), bool) for _ in range(2)))
    node, segment_id = selected(editor_node)
    if region.empty:
        return nothing
    inside = segment_in(node, segment_id, region.lattice, region.extent)
    add = (region.voxels == INSIDE) & ~inside
    remove = (region.voxels == BESIDE) & inside
    extent = box_of_true(add | remove, region.extent)
    if extent is None:
        return nothing
    inner = part(extent, region.extent)
    add, remove = add[inner], remove[inner]
    if restricts(editor_node):
        editable = editable_in(editor_node, region.lattice, extent)
        add &= editable
        # In the area of a single segment, Slicer lets the whole edited segment be removed from: see its Erase effect.
        if editor_node.GetMaskMode() != _modes().EditAllowedInsideSingleSegment:
            remove &= editable
    return PlannedEdit(region.lattice, extent, add, remove)


def restricts(editor_node: Any) -> bool:
    """Whether the editor's settings keep some voxels from being edited."""
    everywhere = editor_node.GetMaskMode() == _modes().EditAllowedEverywhere
    return not everywhere or bool(editor_node.GetSourceVolumeIntensityMask())


def editable_in(editor_node: Any, lattice: Lattice, extent: Extent) -> npt.NDArray[np.bool_]:
    """Return where in a box the editable area and the intensity mask let the selected segment be edited, (k, j, i).

    Raises
    ------
    SceneError
        There is no source volume to mask by, or the mask could not be made.
    """
    node, segment_id = selected(editor_node)
    editable = _area_in(editor_node, lattice, extent)
    if editor_node.GetSourceVolumeIntensityMask():
        box, mask = oriented_box(lattice, extent), load_slicer().vtkOrientedImageData()
        source = source_in(editor_node.GetSourceVolumeNode(), node, box)
        limits = list(editor_node.GetSourceVolumeIntensityMaskRange())
        # Slicer's own comparison, which rounds limits to the type of the voxels.
        if not node.GenerateEditMask(mask, _modes().EditAllowedEverywhere, box, segment_id, "", source, limits):
            raise SceneError("The intensity mask could not be worked out.", "Check the masking settings of the editor.")
        editable = editable & (voxels_of(mask) == 0)
    return editable


def _area_in(editor_node: Any, lattice: Lattice, extent: Extent) -> npt.NDArray[np.bool_]:
    """Return where in a box the editable area lies.

    Slicer's `GenerateEditMask` takes seconds for twenty segments of a large CT, however small the box.
    """
    node, segment_id = selected(editor_node)
    modes, mode = _modes(), editor_node.GetMaskMode()
    if mode == modes.EditAllowedEverywhere:
        return np.ones(shape_of(extent), dtype=bool)
    if mode == modes.EditAllowedInsideSingleSegment:
        chosen = [editor_node.GetMaskSegmentID()] if editor_node.GetMaskSegmentID() else []
    elif mode in (modes.EditAllowedInsideVisibleSegments, modes.EditAllowedOutsideVisibleSegments):
        chosen = visible_segments(node)
    else:
        chosen = list(node.GetSegmentation().GetSegmentIDs())
    if mode in (modes.EditAllowedOutsideAllSegments, modes.EditAllowedOutsideVisibleSegments):
        return ~any_segment_in(node, [found for found in chosen if found != segment_id], lattice, extent)
    return any_segment_in(node, chosen, lattice, extent)


def source_in(volume_node: Any, segmentation_node: Any, box: Any) -> Any:
    """Return the source volume in a box of the segmentation's lattice, as the editor aligns the whole of it."""
    slicer, vtk = load_slicer(), load_vtk()
    if volume_node is None or volume_node.GetImageData() is None:
        raise SceneError("There is no source volume to mask by.", "Choose one, or switch the intensity mask off.")
    image = volume_node.GetImageData()
    if image.GetNumberOfScalarComponents() > 1:
        first = vtk.vtkImageExtractComponents()
        first.SetInputData(image)
        first.SetComponents(0)
        first.Update()
        image = first.GetOutput()
    source, aligned, matrix = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
    source.ShallowCopy(image)
    volume_node.GetIJKToRASMatrix(matrix)
    source.SetImageToWorldMatrix(matrix)
    between = ras_between(volume_node, segmentation_node)
    transform = None
    if not np.array_equal(between, np.eye(4)):
        transform = vtk.vtkTransform()
        transform.SetMatrix(vtk_matrix(between))
    background = volume_node.GetImageBackgroundScalarComponentAsDouble(0)
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        source, box, aligned, True, False, transform, background
    )
    return aligned


def _modes() -> Any:
    return load_slicer().vtkMRMLSegmentationNode
