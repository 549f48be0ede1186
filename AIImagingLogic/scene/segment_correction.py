"""The correction of one segment: what was shown so far, the outline before it, and the result in the segment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.records.provenance import ModelUse
from AIImagingLogic.scene.editor_rules import AppliedEdit, PlannedEdit, apply_region, planned_edit
from AIImagingLogic.scene.editor_rules_lattice import (
    LABELMAP,
    common_box,
    enclosing_box,
    lattice_of,
    lattice_of_volume,
    part,
    shape_of,
)
from AIImagingLogic.scene.editor_rules_region import AS_IT_IS, INSIDE, Region, region_of_image, region_of_voxels
from AIImagingLogic.scene.editor_rules_write import ChangedSegment, give_back, restore, selected
from AIImagingLogic.scene.segment_correction_prompts import joined
from AIImagingLogic.scene.segment_correction_proposal import keep_proposal, segment_box
from AIImagingLogic.scene.segment_correction_record import (
    CorrectedSegment,
    algorithm_of,
    corrected_segment,
    mark_semiautomatic,
    put_algorithm,
    record_correction,
)

if TYPE_CHECKING:
    import SimpleITK as sitk

SaveState = Callable[[], object]


class SegmentCorrection:
    """Begins with the selected segment as it is; ends when it is accepted, dropped, or changed by someone else.

    Every prompt that changes the segment is one step of the editor's undo. A later result replaces an earlier one:
    voxels that it no longer holds go back to what they were, in the other segments too.

    Parameters
    ----------
    editor_node : vtkMRMLSegmentEditorNode with segmentation, selected segment and source volume
    save_state : saves the segmentation for the editor's undo
    models : what makes the results; the first gives a segment without an algorithm's name its name
    clock : seconds

    Raises
    ------
    SceneError
        No segment is selected, or the segmentation holds no labelmaps.
    """

    def __init__(
        self,
        editor_node: Any,
        save_state: SaveState,
        models: Sequence[ModelUse] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._editor = editor_node
        self._save_state = save_state
        self._models = tuple(models)
        self._clock = clock
        self.segmentation_node, self.segment_id = selected(editor_node)
        self._lattice = lattice_of(self.segmentation_node)
        self._extent, self._mask = segment_box(self.segmentation_node, self.segment_id, self._lattice)
        self._shown: list[Prompts] = []
        self._clicks = 0
        self._began: float | None = None
        self._ended = 0.0
        self._region: Region | None = None
        self._others: tuple[ChangedSegment, ...] = ()
        self._saved_ahead: Any = None
        self._algorithm = algorithm_of(self.segmentation_node, self.segment_id)
        self._state = self._state_now()

    @property
    def prompts(self) -> Prompts:
        """All that is shown."""
        return joined(self._shown)

    @property
    def shown(self) -> int:
        """How many prompts are shown."""
        return len(self._shown)

    @property
    def there(self) -> bool:
        """Whether the segment is still in the scene."""
        node = self.segmentation_node
        return node.GetScene() is not None and node.GetSegmentation().GetSegment(self.segment_id) is not None

    @property
    def outdated(self) -> bool:
        """Whether the segment is no longer as this correction left it: undone, painted on, removed, or deselected."""
        if self._editor.GetSegmentationNode() is not self.segmentation_node:
            return True
        if self._editor.GetSelectedSegmentID() != self.segment_id:
            return True
        return self._state_now() != self._state

    def proposal(self, volume_node: Any) -> npt.NDArray[np.uint8]:
        """Return the segment before this correction on the grid of a volume: uint8 (k, j, i), 1 in it.

        Raises
        ------
        SceneError
            The transform between segmentation and volume is not linear.
        """
        whole = lattice_of_volume(volume_node)
        voxels = np.zeros(shape_of(whole.extent), dtype=np.uint8)
        if 0 in self._mask.shape:
            return voxels
        corner = self._lattice.ijk_to_ras.copy()
        corner[:3, 3] += corner[:3, :3] @ np.array(self._extent[::2], dtype=np.float64)
        region = region_of_voxels(self._mask.view(np.uint8), corner, self.segmentation_node, volume_node, whole)
        if not region.empty:
            voxels[part(region.extent, whole.extent)] = region.voxels == INSIDE
        return voxels

    def show(self, prompt: Prompts) -> Prompts:
        """Add what was just shown, and return all."""
        if self._began is None:
            self._began = self._clock()
        self._shown.append(prompt)
        self._clicks += 1
        return self.prompts

    def save_ahead(self) -> None:
        """Save the segmentation for undo while the result is waited for; no step of undo comes of it by itself."""
        self._save_state()
        self._saved_ahead = self._state_now()

    def take_back(self) -> Prompts:
        """Forget what was shown last, and return what is left."""
        if self._shown:
            self._shown.pop()
        return self.prompts

    def apply(self, result: sitk.Image | None, volume_node: Any) -> AppliedEdit:
        """Put a result into the segment, as far as the editor's settings let it.

        Parameters
        ----------
        result : uint8 crop on the grid of `volume_node`, 1 in the object, for the prompts that are shown; None when
            nothing is shown: the segment becomes what it was
        volume_node : vtkMRMLScalarVolumeNode

        Raises
        ------
        SceneError
            The transform between segmentation and volume is not linear, or a mask cannot be worked out.
        """
        return self.become(self.region_of(result, volume_node))

    def region_of(self, result: sitk.Image | None, volume_node: Any) -> Region | None:
        """Return a result, as `apply` takes it, as the region that the segment would become; raises as `apply`."""
        if result is None:
            return None
        return region_of_image(result, volume_node, self.segmentation_node, self._lattice)

    def planned(self, new: Region | None) -> PlannedEdit | None:
        """Return what `become` would change of the segment, None for nothing; raises as `become`."""
        if new is not None and not new.empty:
            return planned_edit(self._editor, self._with_before(new))
        return None if self._region is None else planned_edit(self._editor, self._as_before(self._region))

    def become(self, new: Region | None) -> AppliedEdit:
        """Make the segment what a region says, and what it was elsewhere, as far as the editor's settings let it.

        Parameters
        ----------
        new : on the lattice of the segmentation; None, or an empty one: the segment becomes what it was

        Raises
        ------
        SceneError
            A mask cannot be worked out.
        """
        if new is not None and new.empty:
            new = None
        wanted = None if new is None else self._with_before(new)
        saved = False

        def save_once() -> None:
            nonlocal saved
            if not saved:
                if self._saved_ahead != self._state_now():
                    self._save_state()
                keep_proposal(self.segmentation_node, self.segment_id, self._lattice, self._extent, self._mask)
            saved = True

        if self._region is not None and (wanted is None or self._depends_on_segments()):
            save_once()
            self._restore()
        edit = AppliedEdit()
        if wanted is not None:
            edit = apply_region(self._editor, wanted, save_once)
        if edit.added or edit.removed:
            self._region, self._others = wanted, self._others + edit.others
            mark_semiautomatic(self.segmentation_node, self.segment_id, self._model_name())
        self._state, self._ended = self._state_now(), self._clock()
        return edit

    def drop(self) -> None:
        """Make the segment, and those that gave way, what they were before this correction; one step of undo."""
        if self._region is not None:
            self._save_state()
            self._restore()
        self._shown.clear()
        self._began = None
        self._state = self._state_now()

    def accept(self) -> CorrectedSegment | None:
        """End the correction and record how the segment now differs from the proposal; None when nothing was changed.

        Raises
        ------
        SceneError
            The segment is gone.
        """
        if self._region is None or self._began is None:
            return None
        seconds = max(0.0, self._ended - self._began)
        corrected = corrected_segment(self.segmentation_node, self.segment_id, self._clicks, seconds)
        record_correction(self.segmentation_node, corrected, self._models)
        self._shown.clear()
        self._region = None
        return corrected

    def _depends_on_segments(self) -> bool:
        """Whether the rules must be worked out anew from the outlines before this correction.

        They must when other segments gave way, and when the editable area lies inside segments, perhaps this one.
        """
        node = self.segmentation_node
        inside = (
            node.EditAllowedInsideAllSegments,
            node.EditAllowedInsideVisibleSegments,
            node.EditAllowedInsideSingleSegment,
        )
        return bool(self._others) or self._editor.GetMaskMode() in inside

    def _with_before(self, new: Region) -> Region:
        """Return a region that also puts back what the last result changed where the new one says nothing."""
        if self._region is None:
            return new
        extent = enclosing_box(new.extent, self._region.extent)
        if extent == new.extent and not (new.voxels == AS_IT_IS).any():
            return new
        voxels = np.full(shape_of(extent), AS_IT_IS, dtype=np.uint8)
        voxels[part(self._region.extent, extent)] = self._as_before(self._region).voxels
        inner = part(new.extent, extent)
        voxels[inner] = np.where(new.voxels == AS_IT_IS, voxels[inner], new.voxels)
        return Region(self._lattice, extent, voxels)

    def _as_before(self, region: Region) -> Region:
        """Return the region that puts back what was before this correction where another region changed it."""
        was = self._before_in(region)
        return Region(self._lattice, region.extent, np.where(region.voxels == AS_IT_IS, AS_IT_IS, was).astype(np.uint8))

    def _before_in(self, region: Region) -> Any:
        """Return the segment before this correction in a box, uint8 (k, j, i)."""
        was = np.zeros(shape_of(region.extent), dtype=np.uint8)
        common = common_box(region.extent, self._extent)
        if 0 not in shape_of(common):
            was[part(common, region.extent)] = self._mask[part(common, self._extent)]
        return was

    def _restore(self) -> None:
        region = self._region
        if region is None:
            return
        restore(self.segmentation_node, self.segment_id, self._lattice, region.extent, self._before_in(region) == 1)
        for changed in reversed(self._others):
            give_back(self.segmentation_node, changed)
        put_algorithm(self.segmentation_node, self.segment_id, self._algorithm)
        self._region, self._others = None, ()

    def _model_name(self) -> str:
        return f"{self._models[0].model_id} {self._models[0].version}"[:64] if self._models else "AI Imaging"

    def _state_now(self) -> Any:
        """Return what changes when the labelmap of the segment is changed or replaced."""
        segment = self.segmentation_node.GetSegmentation().GetSegment(self.segment_id)
        labels = None if segment is None else segment.GetRepresentation(LABELMAP)
        return None if labels is None else (labels, labels.GetMTime(), segment.GetLabelValue())
