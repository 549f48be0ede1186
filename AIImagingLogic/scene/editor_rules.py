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
from AIImagingLogic.scene.host import load_slicer, load_vtk


@dataclass(frozen=True)
class AppliedEdit:
    """How many voxels of the segment an edit added and removed."""

    added: int
    removed: int


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
    node, segment_id = selected(editor_node)
    if region.empty:
        return AppliedEdit(0, 0)
    inside = segment_in(node, segment_id, region.lattice, region.extent)
    add = (region.voxels == INSIDE) & ~inside
    remove = (region.voxels == BESIDE) & inside
    if restricts(editor_node) and (add.any() or remove.any()):
        editable = editable_in(editor_node, region.lattice, region.extent)
        add &= editable
        # In the area of a single segment, Slicer lets the whole edited segment be removed from: see its Erase effect.
        if editor_node.GetMaskMode() != _modes().EditAllowedInsideSingleSegment:
            remove &= editable
    edit = AppliedEdit(int(np.count_nonzero(add)), int(np.count_nonzero(remove)))
    if edit.added or edit.removed:
        if save_state is not None:
            save_state()
        _write(editor_node, region, add, remove)
    return edit


def selected(editor_node: Any) -> tuple[Any, str]:
    """Return the segmentation node and the id of the segment that are edited.

    Raises
    ------
    SceneError
        There is none.
    """
    node, segment_id = editor_node.GetSegmentationNode(), editor_node.GetSelectedSegmentID()
    if node is None or not segment_id or node.GetSegmentation().GetSegment(segment_id) is None:
        raise SceneError("No segment is selected.", "Select the segment to correct in the Segment Editor.")
    return node, segment_id


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
        source = _source_in(editor_node.GetSourceVolumeNode(), node, box)
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
        chosen = _visible(node)
    else:
        chosen = list(node.GetSegmentation().GetSegmentIDs())
    if mode in (modes.EditAllowedOutsideAllSegments, modes.EditAllowedOutsideVisibleSegments):
        return ~any_segment_in(node, [found for found in chosen if found != segment_id], lattice, extent)
    return any_segment_in(node, chosen, lattice, extent)


def _visible(segmentation_node: Any) -> list[str]:
    display = segmentation_node.GetDisplayNode()
    if display is None:
        return []
    return [
        found for found in segmentation_node.GetSegmentation().GetSegmentIDs() if display.GetSegmentVisibility(found)
    ]


def _source_in(volume_node: Any, segmentation_node: Any, box: Any) -> Any:
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


def _write(editor_node: Any, region: Region, add: npt.NDArray[np.bool_], remove: npt.NDArray[np.bool_]) -> None:
    """Add and remove voxels that were found editable; other segments give way as the overwrite mode says."""
    slicer = load_slicer()
    kind = slicer.vtkSlicerSegmentEditorLogic
    node, segment_id = selected(editor_node)
    # A logic of our own, without masks: those of the editor's would be made anew over the whole grid.
    plain = slicer.vtkMRMLSegmentEditorNode()
    plain.SetScene(node.GetScene())
    plain.SetAndObserveSegmentationNode(node)
    plain.SetSelectedSegmentID(segment_id)
    logic = kind()
    logic.SetMRMLScene(node.GetScene())
    logic.SetSegmentEditorNode(plain)
    if (removed := _smallest(region, remove)) is not None:
        # Nothing is overwritten by a removal, but a mode that spares segments would first copy the whole layer.
        plain.SetOverwriteMode(plain.OverwriteAllSegments)
        _modify(logic, editor_node, removed, kind.ModificationModeRemove)
        _give_back(editor_node, removed)
    if (added := _smallest(region, add)) is not None:
        plain.SetOverwriteMode(editor_node.GetOverwriteMode())
        _modify(logic, editor_node, added, kind.ModificationModeAdd)
    plain.SetAndObserveSegmentationNode(None)
    logic.SetSegmentEditorNode(None)
    logic.SetMRMLScene(None)


def _modify(logic: Any, editor_node: Any, modifier: Any, how: Any) -> None:
    # Told its extent, Slicer looks through the box and not through the whole grid.
    logic.ModifySegmentByLabelmap(*selected(editor_node), modifier, how, modifier.GetExtent(), True, False)


def _give_back(editor_node: Any, removed: Any) -> None:
    """In the area of a single segment, what is taken from another goes to that segment, as with Slicer's Erase."""
    logic = load_slicer().vtkSlicerSegmentationsModuleLogic
    node, segment_id = selected(editor_node)
    receiver = editor_node.GetMaskSegmentID()
    if editor_node.GetMaskMode() != _modes().EditAllowedInsideSingleSegment or receiver in (None, "", segment_id):
        return
    logic.SetBinaryLabelmapToSegment(
        removed, node, receiver, logic.MODE_MERGE_MASK, removed.GetExtent(), False, _overwritten(editor_node)
    )


def _overwritten(editor_node: Any) -> tuple[str, ...]:
    """Return the ids of the segments that give way to the selected one."""
    node, segment_id = selected(editor_node)
    others = [found for found in node.GetSegmentation().GetSegmentIDs() if found != segment_id]
    mode = editor_node.GetOverwriteMode()
    if mode == editor_node.OverwriteNone:
        return ()
    if mode == editor_node.OverwriteVisibleSegments:
        return tuple(found for found in others if found in _visible(node))
    return tuple(others)


def _smallest(region: Region, mask: npt.NDArray[np.bool_]) -> Any | None:
    extent = box_of_true(mask, region.extent)
    return None if extent is None else oriented_box(region.lattice, extent, mask[part(extent, region.extent)])


def _modes() -> Any:
    return load_slicer().vtkMRMLSegmentationNode
