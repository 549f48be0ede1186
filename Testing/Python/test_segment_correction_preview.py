"""A change shown apart from the segment: what Apply then does is exactly what was shown, masks and undo included."""

from __future__ import annotations

import time

import numpy as np
import pytest

from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.scene.coordinates import ras_from_lps
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
from AIImagingLogic.scene.segment_correction_prompts import click
from AIImagingLogic.scene.segment_correction_record import corrections_of
from AIImagingLogic.scene.segment_correction_tool import CorrectionTool
from Testing.Python.editor_scene import editor_scene

slicer = pytest.importorskip("slicer")


@pytest.fixture(scope="module")
def service():
    with JobService(allowed=("Testing.Python",)) as made:
        yield made


class _Shown:
    """A tool that applies nothing by itself."""

    def __init__(self, service):
        self.scene = editor_scene()
        self.applied, self.proposed, self.errors = [], [], []
        self.tool = CorrectionTool(
            self.scene.editor,
            service,
            self.scene.logic.SaveStateForUndo,
            self.applied.append,
            self.errors.append,
            functions="Testing.Python.ball_corrections",
            on_proposed=self.proposed.append,
        )
        self.tool.changes.auto_apply = False

    def click(self, *index, inside=True):
        point = self.scene.image.TransformIndexToPhysicalPoint(index)
        self.tool.show(click(self.scene.volume, ras_from_lps(point), inside))
        self.settle()

    def settle(self):
        end = time.monotonic() + 60
        while self.tool.waiting and time.monotonic() < end:
            self.tool.poll()
            time.sleep(0.002)
        assert not self.tool.waiting and not self.errors

    def segments(self):
        return self.scene.segments()

    def preview(self):
        """Return what is shown as added and removed, on the lattice of the segmentation."""
        node, lattice = self.tool.changes.preview.node, lattice_of(self.scene.segmentation)
        shown = {}
        for name in ("added", "removed"):
            there = node is not None and node.GetSegmentation().GetSegment(name) is not None
            empty = np.zeros_like(self.segments()["edited"])
            shown[name] = segment_in(node, name, lattice, lattice.extent) if there else empty
        return shown["added"], shown["removed"]


@pytest.fixture
def shown(service):
    return _Shown(service)


def _same(one, other):
    for name, mask in one.items():
        np.testing.assert_array_equal(mask, other[name])


@pytest.mark.parametrize("masked", [False, True])
def test_apply_changes_the_segment_by_exactly_what_was_shown_in_one_step_of_undo(shown, masked):
    if masked:
        shown.scene.editor.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments)
        shown.scene.editor.SourceVolumeIntensityMaskOn()
        shown.scene.editor.SetSourceVolumeIntensityMaskRange(-40, 60)
    before = shown.segments()
    shown.click(12, 9, 7)
    shown.click(5, 4, 4, inside=False)
    _same(before, shown.segments())
    added, removed = shown.preview()
    assert (added.sum(), removed.sum()) == (shown.proposed[-1].added, shown.proposed[-1].removed)
    assert added.any() and not (added & before["edited"]).any() and not (removed & ~before["edited"]).any()
    shown.tool.changes.apply()
    np.testing.assert_array_equal(shown.segments()["edited"], (before["edited"] | added) & ~removed)
    assert shown.tool.changes.preview.node is None and len(shown.applied) == 1
    recorded = shown.tool.accept()
    assert recorded.clicks == 2
    shown.scene.logic.Undo()
    _same(before, shown.segments())


def test_the_preview_is_in_no_list_no_file_and_under_the_transform_of_the_segmentation(shown):
    parent = shown.scene.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Parent")
    for node in (shown.scene.volume, shown.scene.segmentation):
        node.SetAndObserveTransformNodeID(parent.GetID())
    shown.click(12, 9, 7)
    node = shown.tool.changes.preview.node
    assert node.GetHideFromEditors() and not node.GetSaveWithScene()
    assert node.GetTransformNodeID() == parent.GetID()
    count = shown.scene.scene.GetNumberOfNodes()
    shown.tool.drop()
    # The node and its display node are gone.
    assert shown.scene.scene.GetNumberOfNodes() == count - 2


def test_taking_back_accepting_and_a_changed_segment_leave_nothing_of_a_preview(shown):
    before = shown.segments()
    shown.click(12, 9, 7)
    first = shown.preview()
    shown.click(5, 4, 4, inside=False)
    shown.tool.take_back()
    shown.settle()
    for now, then in zip(shown.preview(), first, strict=True):
        np.testing.assert_array_equal(now, then)
    shown.tool.take_back()
    assert shown.tool.changes.preview.node is None and shown.proposed[-1] is None
    shown.click(12, 9, 7)
    assert shown.tool.accept() is None and shown.tool.changes.preview.node is None
    shown.click(12, 9, 7)
    shown.scene.editor.SetSelectedSegmentID("beside")
    shown.tool.changes.apply()
    _same(before, shown.segments())
    assert not shown.applied and not corrections_of(shown.scene.segmentation)


def test_switching_to_apply_at_once_applies_what_is_shown(shown):
    before = shown.segments()["edited"]
    shown.click(12, 9, 7)
    added, _ = shown.preview()
    shown.tool.changes.auto_apply = True
    np.testing.assert_array_equal(shown.segments()["edited"], before | added)
    shown.click(4, 13, 3)
    assert shown.tool.changes.preview.node is None and len(shown.applied) == 2
