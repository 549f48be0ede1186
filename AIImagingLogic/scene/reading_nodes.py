"""The nodes of a case that is read: its volume, the reader's marks, and, only when they may be seen, the AI's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.reading import ActionKind, AiMark
from AIImagingLogic.records.reading_state import CaseState
from AIImagingLogic.scene.coordinates import lps_from_ras, ras_from_lps
from AIImagingLogic.scene.display_window import display_window
from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.node_attributes import KIND
from AIImagingLogic.scene.placing import start_placing, stop_placing
from AIImagingLogic.scene.provenance import mark
from AIImagingLogic.scene.subject_hierarchy import remove_with_items
from AIImagingLogic.scene.volumes import volume_node_from_image

READER_MARKS, AI_MARKS, CASE_IMAGE = "reading marks", "reading AI marks", "reading image"
_OWN = frozenset({READER_MARKS, AI_MARKS, CASE_IMAGE})
_READER_COLOUR, _AI_COLOUR, _REFUSED_COLOUR = (0.2, 0.9, 1.0), (1.0, 0.84, 0.0), (0.5, 0.5, 0.5)
_MOVED_MM = 1e-3
_GLYPH_PERCENT = 3.0
# A line of a label: so far down it is clear of the point's cross.
_BELOW_PIXELS = 14

Change = tuple[ActionKind, str, Vector | None]
"""What the nodes say beyond the state: add, move or delete; the name of the mark (none of a new one); (3,) mm, LPS."""


class ReadingNodes:
    """Adds the volume of a case, under its code, and an empty list for the reader's marks.

    Parameters
    ----------
    scene : vtkMRMLScene
    case : code
    image, info : as read

    Attributes
    ----------
    volume, marks : the nodes
    ai : point list of the AI's marks; None until `show_ai`
    """

    def __init__(self, scene: Any, case: str, image: sitk.Image, info: ImageInfo) -> None:
        self.scene = scene
        window = display_window(info.modality)
        levels = None if window is None else (window.lower, window.upper)
        self.volume = volume_node_from_image(image, scene, case, window=levels)
        mark(self.volume, CASE_IMAGE, None)
        self.marks = _point_list(scene, f"{case} marks", READER_MARKS, _READER_COLOUR)
        _label_at_the_lower_left(self.marks)
        self.ai: Any | None = None

    @property
    def there(self) -> bool:
        """Whether the nodes are still in the scene."""
        return self.volume.GetScene() is not None and self.marks.GetScene() is not None

    def show(self, state: CaseState) -> None:
        """Let the points be those of the state: names, places, what may be moved, what was said of the AI's."""
        if state.shown is not None and (self.ai is None or self.ai.GetScene() is None):
            self.ai = _point_list(self.scene, f"{state.case} AI marks", AI_MARKS, _AI_COLOUR)
            self.ai.SetLocked(True)
            for entry in state.shown:
                self.ai.AddControlPoint(*ras_from_lps(entry.position_mm).tolist())
        self._show_own(state)
        for index, entry in enumerate(state.shown or ()):
            self._show_ai_mark(index, entry, state)

    def changes(self, state: CaseState) -> tuple[Change, ...]:
        """Return what a person did to the points of the reader, by whatever means, that the state does not know."""
        found: list[Change] = []
        seen = set()
        for index in self._placed():
            name, place = self.marks.GetNthControlPointDescription(index), self._place(index)
            known = state.marks.get(name)
            if known is None or name in seen:
                found.append((ActionKind.ADD, "", place))
                continue
            seen.add(name)
            if np.abs(np.subtract(place, known.position_mm)).max() > _MOVED_MM:
                found.append((ActionKind.MOVE, name, place))
        gone = [name for name, own in state.marks.items() if not own.accepted and name not in seen]
        # What is gone first: a point put in the place of another has its own name.
        return (*((ActionKind.DELETE, name, None) for name in gone), *found)

    def place_next(self) -> None:
        """Let the next click in a view put a mark of the reader."""
        start_placing(self.marks)

    def stop_placing(self) -> None:
        """A click puts no mark any more."""
        stop_placing(self.scene)

    def jump(self, position_mm: Vector) -> None:
        """Move all slices to a place, (3,) mm, LPS."""
        slices = load_slicer().vtkMRMLSliceNode
        slices.JumpAllSlices(self.scene, *ras_from_lps(position_mm).tolist(), slices.CenteredJumpSlice)

    def hide(self) -> None:
        """Take image and marks off the views, as in a pause."""
        for composite in _nodes(self.scene, "vtkMRMLSliceCompositeNode"):
            if composite.GetBackgroundVolumeID() == self.volume.GetID():
                composite.SetBackgroundVolumeID(None)
        self._set_marks_visible(False)

    def unhide(self) -> None:
        """Show the image in all slice views, and the marks."""
        for composite in _nodes(self.scene, "vtkMRMLSliceCompositeNode"):
            composite.SetBackgroundVolumeID(self.volume.GetID())
        self._set_marks_visible(True)

    def remove(self) -> None:
        """Remove the case from the scene; nothing else."""
        nodes = [node for node in (self.ai, self.marks, self.volume) if node is not None]
        remove_with_items([node for node in nodes if node.GetScene() is not None], self.scene)

    def _set_marks_visible(self, visible: bool) -> None:
        for node in (self.marks, self.ai):
            if node is not None:
                node.SetDisplayVisibility(visible)

    def _show_own(self, state: CaseState) -> None:
        own = [entry for entry in state.marks.values() if not entry.accepted]
        was = self.marks.StartModify()
        while len(self._placed()) > len(own):
            self.marks.RemoveNthControlPoint(self._placed()[-1])
        while len(self._placed()) < len(own):
            self.marks.AddControlPointWorld(*ras_from_lps(own[len(self._placed())].position_mm).tolist())
        for index, entry in zip(self._placed(), own):
            if self._place(index) != entry.position_mm:
                self.marks.SetNthControlPointPositionWorld(index, *ras_from_lps(entry.position_mm).tolist())
            self.marks.SetNthControlPointDescription(index, entry.mark)
            self.marks.SetNthControlPointLabel(index, entry.mark)
            self.marks.SetNthControlPointLocked(index, entry.mark in state.fixed)
        self.marks.EndModify(was)

    def _show_ai_mark(self, index: int, entry: AiMark, state: CaseState) -> None:
        node: Any = self.ai
        refused = entry.mark in state.refused
        said = " accepted" if entry.mark in state.marks else " refused" if refused else ""
        node.SetNthControlPointDescription(index, entry.mark)
        node.SetNthControlPointLabel(index, entry.mark + said)
        # A point that is not selected is drawn in the list's second colour.
        node.SetNthControlPointSelected(index, not refused)

    def _placed(self) -> list[int]:
        """The points that are there, without the one that goes along with the mouse."""
        kind = load_slicer().vtkMRMLMarkupsNode
        count = self.marks.GetNumberOfControlPoints()
        return [
            index
            for index in range(count)
            if self.marks.GetNthControlPointPositionStatus(index) == kind.PositionDefined
        ]

    def _place(self, index: int) -> Vector:
        world = np.zeros(3)
        self.marks.GetNthControlPointPositionWorld(index, world)
        left, posterior, superior = lps_from_ras(world).tolist()
        return left, posterior, superior


def results_of_ai(scene: Any) -> tuple[str, ...]:
    """Return the names of nodes that AI Imaging made and that are not of a reading."""
    nodes = scene.GetNodes()
    found = (nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems()))
    return tuple(node.GetName() for node in found if (node.GetAttribute(KIND) or READER_MARKS) not in _OWN)


def _point_list(scene: Any, name: str, kind: str, colour: Vector) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    node.CreateDefaultDisplayNodes()
    mark(node, kind, None)
    display = node.GetDisplayNode()
    was = display.StartModify()
    display.SetGlyphTypeFromString("CrossDot2D")
    display.SetGlyphScale(_GLYPH_PERCENT)
    display.SetSelectedColor(*colour)
    display.SetColor(*_REFUSED_COLOUR)
    display.EndModify(was)
    return node


def _label_at_the_lower_left(node: Any) -> None:
    """Where a mark of the AI lies beside a point, or on it, both names can be read: the AI's is at the upper right."""
    text = node.GetDisplayNode().GetTextProperty()
    text.SetJustificationToRight()
    text.SetVerticalJustificationToTop()
    text.SetLineOffset(_BELOW_PIXELS)


def _nodes(scene: Any, kind: str) -> Sequence[Any]:
    collection = scene.GetNodesByClass(kind)
    collection.UnRegister(None)
    return [collection.GetItemAsObject(index) for index in range(collection.GetNumberOfItems())]
