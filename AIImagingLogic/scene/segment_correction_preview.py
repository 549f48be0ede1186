"""What a correction would change, shown in the views apart from the segment: what it adds, and what it takes away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.scene.editor_rules_lattice import LABELMAP, oriented_box
from AIImagingLogic.scene.host import load_slicer

if TYPE_CHECKING:
    from collections.abc import Callable

    from AIImagingLogic.scene.editor_rules import AppliedEdit, PlannedEdit
    from AIImagingLogic.scene.editor_rules_region import Region
    from AIImagingLogic.scene.segment_correction import SegmentCorrection

ADDED, REMOVED = "added", "removed"
_COLOURS = {ADDED: (0.2, 1.0, 0.3), REMOVED: (1.0, 0.3, 0.2)}
_FILL, _OUTLINE = 0.35, 1.0


@dataclass(frozen=True, eq=False)
class ProposedChange:
    """A change that waits to be applied.

    Attributes
    ----------
    correction : that it belongs to
    region : that the segment becomes; None: what it was before the correction
    ends : the correction is accepted when it is applied
    """

    correction: SegmentCorrection
    region: Region | None
    ends: bool = False


class CorrectionPreview:
    """A segmentation of its own, in no list and no file, that stands where the segment does."""

    def __init__(self) -> None:
        self._node: Any = None

    @property
    def node(self) -> Any | None:
        """The vtkMRMLSegmentationNode that is shown; None when nothing is."""
        return None if self._node is None or self._node.GetScene() is None else self._node

    def show(self, segmentation_node: Any, planned: PlannedEdit | None) -> None:
        """Show what would change of a segment of `segmentation_node`; nothing when nothing would."""
        self.clear()
        if planned is None or planned.empty:
            return
        slicer = load_slicer()
        content = slicer.vtkSegmentation()
        content.SetSourceRepresentationName(LABELMAP)
        for name, mask in ((ADDED, planned.add), (REMOVED, planned.remove)):
            if mask.any():
                segment = slicer.vtkSegment()
                segment.SetName(name)
                segment.SetColor(*_COLOURS[name])
                segment.SetLabelValue(1)
                segment.AddRepresentation(LABELMAP, oriented_box(planned.lattice, planned.extent, mask))
                content.AddSegment(segment, name)
        node = slicer.vtkMRMLSegmentationNode()
        node.SetName(f"{segmentation_node.GetName()} (preview)")
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node.SetAndObserveSegmentation(content)
        self._node = segmentation_node.GetScene().AddNode(node)
        node.SetAndObserveTransformNodeID(segmentation_node.GetTransformNodeID())
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetVisibility3D(False)
        display.SetOpacity2DFill(_FILL)
        display.SetOpacity2DOutline(_OUTLINE)

    def clear(self) -> None:
        """Show nothing."""
        node, self._node = self.node, None
        if node is not None:
            scene, display = node.GetScene(), node.GetDisplayNode()
            scene.RemoveNode(node)
            if display is not None and display.GetScene() is scene:
                scene.RemoveNode(display)


class ProposedChanges:
    """Results on their way into the segment: at once, or by way of the preview.

    Parameters
    ----------
    on_applied : called when a change was put into the segment
    on_proposed : called when one is shown instead, with what it would change; None for nothing
    on_error : called when there is neither

    Attributes
    ----------
    preview : shows the change that waits
    """

    def __init__(
        self,
        on_applied: Callable[[AppliedEdit], None],
        on_proposed: Callable[[PlannedEdit | None], None],
        on_error: Callable[[AIImagingError], None],
    ) -> None:
        self._on_applied, self._on_proposed, self._on_error = on_applied, on_proposed, on_error
        self._waiting: ProposedChange | None = None
        self._auto_apply = True
        self.preview = CorrectionPreview()

    @property
    def auto_apply(self) -> bool:
        """Whether a change goes into the segment at once; else it waits in the preview for `apply`."""
        return self._auto_apply

    @auto_apply.setter
    def auto_apply(self, at_once: bool) -> None:
        self._auto_apply = at_once
        if at_once:
            self.apply()

    @property
    def shortcut_waits(self) -> bool:
        """Whether the change that waits ends its correction: no prompt can be added to it."""
        return self._waiting is not None and self._waiting.ends

    def take(self, change: ProposedChange) -> None:
        """Put a change into the segment, or show it in place of the one that waits."""
        self.forget()
        try:
            if self._auto_apply:
                self._put(change)
            else:
                planned = change.correction.planned(change.region)
                self._waiting = change
                self.preview.show(change.correction.segmentation_node, planned)
                self._on_proposed(planned)
        except AIImagingError as error:
            self._on_error(error)

    def apply(self) -> None:
        """Put what is shown into the segment; nothing when nothing is, or when the segment was changed since."""
        change = self._waiting
        self.forget()
        if change is None or change.correction.outdated:
            return
        try:
            self._put(change)
        except AIImagingError as error:
            self._on_error(error)

    def forget(self) -> None:
        """Show nothing any more, and let go of the change that waited."""
        self._waiting = None
        self.preview.clear()

    def _put(self, change: ProposedChange) -> None:
        edit = change.correction.become(change.region)
        if change.ends:
            change.correction.accept()
        self._on_applied(edit)
