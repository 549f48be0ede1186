"""Voxels of a segment added and removed in a box by the logic of the Segment Editor, with what other segments lose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.editor_rules_lattice import (
    Extent,
    Lattice,
    box_of_true,
    enclosing_box,
    oriented_box,
    part,
    segment_in,
    segments_at,
)
from AIImagingLogic.scene.host import load_slicer


@dataclass(frozen=True, eq=False)
class ChangedSegment:
    """A segment that was changed by an edit of another.

    Attributes
    ----------
    segment_id : which
    lattice, extent : where the masks lie
    lost, gained : its voxels, (k, j, i)
    """

    segment_id: str
    lattice: Lattice
    extent: Extent
    lost: npt.NDArray[np.bool_]
    gained: npt.NDArray[np.bool_]


def write(
    editor_node: Any, lattice: Lattice, extent: Extent, add: npt.NDArray[np.bool_], remove: npt.NDArray[np.bool_]
) -> tuple[ChangedSegment, ...]:
    """Add and remove voxels of the selected segment; others give way as the editor's overwrite mode says.

    Parameters
    ----------
    editor_node : vtkMRMLSegmentEditorNode; its masks are not looked at, except for the area of a single segment
    lattice, extent : where the masks lie
    add, remove : (k, j, i); at least one voxel

    Returns
    -------
    tuple of ChangedSegment
        The other segments that were changed.
    """
    node, segment_id = selected(editor_node)
    box = _box_of_both(add, remove, extent)
    inner = part(box, extent)
    add, remove = add[inner], remove[inner]
    others = [found for found in node.GetSegmentation().GetSegmentIDs() if found != segment_id]
    where = add | remove
    before = segments_at(node, others, lattice, box, where)
    with _plain_editor(node) as (logic, plain):
        if (removed := _modifier(lattice, box, remove)) is not None:
            # Nothing is overwritten by a removal, but a mode that spares segments would first copy the whole layer.
            plain.SetOverwriteMode(plain.OverwriteAllSegments)
            _modify(logic, node, segment_id, removed, logic.ModificationModeRemove)
            _give_away(editor_node, removed)
        if (added := _modifier(lattice, box, add)) is not None:
            plain.SetOverwriteMode(editor_node.GetOverwriteMode())
            _modify(logic, node, segment_id, added, logic.ModificationModeAdd)
    after = segments_at(node, others, lattice, box, where)
    changed = [found for found in others if not np.array_equal(before[found], after[found])]
    return tuple(_changed(found, lattice, box, where, before[found], after[found]) for found in changed)


def restore(
    segmentation_node: Any, segment_id: str, lattice: Lattice, extent: Extent, mask: npt.NDArray[np.bool_]
) -> None:
    """Make a segment what `mask`, (k, j, i), says in a box, whatever the editor's settings; no other is changed."""
    now = segment_in(segmentation_node, segment_id, lattice, extent)
    _set(segmentation_node, segment_id, lattice, extent, mask & ~now, now & ~mask)


def give_back(segmentation_node: Any, changed: ChangedSegment) -> None:
    """Undo what an edit of another segment did to this one; first restore that other."""
    _set(segmentation_node, changed.segment_id, changed.lattice, changed.extent, changed.lost, changed.gained)


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


def visible_segments(segmentation_node: Any) -> list[str]:
    """Return the ids of the segments that are shown, as the editor sees it: none without a display node."""
    display = segmentation_node.GetDisplayNode()
    if display is None:
        return []
    return [
        found for found in segmentation_node.GetSegmentation().GetSegmentIDs() if display.GetSegmentVisibility(found)
    ]


def _set(
    node: Any,
    segment_id: str,
    lattice: Lattice,
    extent: Extent,
    add: npt.NDArray[np.bool_],
    remove: npt.NDArray[np.bool_],
) -> None:
    with _plain_editor(node) as (logic, plain):
        if (removed := _modifier(lattice, extent, remove)) is not None:
            plain.SetOverwriteMode(plain.OverwriteAllSegments)
            _modify(logic, node, segment_id, removed, logic.ModificationModeRemove)
        if (added := _modifier(lattice, extent, add)) is not None:
            plain.SetOverwriteMode(plain.OverwriteNone)
            _modify(logic, node, segment_id, added, logic.ModificationModeAdd)


@contextmanager
def _plain_editor(segmentation_node: Any) -> Iterator[tuple[Any, Any]]:
    """Give a logic of our own and its node, without masks: those of the editor are made anew over the whole grid."""
    slicer = load_slicer()
    plain = slicer.vtkMRMLSegmentEditorNode()
    plain.SetScene(segmentation_node.GetScene())
    plain.SetAndObserveSegmentationNode(segmentation_node)
    logic = slicer.vtkSlicerSegmentEditorLogic()
    logic.SetMRMLScene(segmentation_node.GetScene())
    logic.SetSegmentEditorNode(plain)
    try:
        yield logic, plain
    finally:
        logic.SetSegmentEditorNode(None)
        logic.SetMRMLScene(None)
        plain.SetAndObserveSegmentationNode(None)


def _modify(logic: Any, node: Any, segment_id: str, modifier: Any, how: Any) -> None:
    # Told its extent, Slicer looks through the box and not through the whole grid.
    logic.ModifySegmentByLabelmap(node, segment_id, modifier, how, modifier.GetExtent(), True, False)


def _give_away(editor_node: Any, removed: Any) -> None:
    """In the area of a single segment, what is taken from another goes to that segment, as with Slicer's Erase."""
    slicer = load_slicer()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    node, segment_id = selected(editor_node)
    receiver = editor_node.GetMaskSegmentID()
    inside_one = slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment
    if editor_node.GetMaskMode() != inside_one or receiver in (None, "", segment_id):
        return
    logic.SetBinaryLabelmapToSegment(
        removed, node, receiver, logic.MODE_MERGE_MASK, removed.GetExtent(), False, _overwritten(editor_node)
    )


def _overwritten(editor_node: Any) -> tuple[str, ...]:
    """Return the ids of the segments that give way to the selected one."""
    node, segment_id = selected(editor_node)
    mode = editor_node.GetOverwriteMode()
    if mode == editor_node.OverwriteNone:
        return ()
    if mode == editor_node.OverwriteVisibleSegments:
        return tuple(found for found in visible_segments(node) if found != segment_id)
    return tuple(found for found in node.GetSegmentation().GetSegmentIDs() if found != segment_id)


def _changed(
    segment_id: str,
    lattice: Lattice,
    extent: Extent,
    where: npt.NDArray[np.bool_],
    before: npt.NDArray[np.bool_],
    after: npt.NDArray[np.bool_],
) -> ChangedSegment:
    lost, gained = np.zeros_like(where), np.zeros_like(where)
    lost[where], gained[where] = before & ~after, after & ~before
    return ChangedSegment(segment_id, lattice, extent, lost, gained)


def _box_of_both(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], extent: Extent) -> Extent:
    boxes = [box for box in (box_of_true(one, extent), box_of_true(other, extent)) if box is not None]
    return enclosing_box(boxes[0], boxes[-1])


def _modifier(lattice: Lattice, extent: Extent, mask: npt.NDArray[np.bool_]) -> Any | None:
    box = box_of_true(mask, extent)
    return None if box is None else oriented_box(lattice, box, mask[part(box, extent)])
