"""A correction of a segment: later results replace earlier ones, all is kept, recorded and taken back."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.records.provenance import ModelUse
from AIImagingLogic.scene.coordinates import ras_from_lps, vtk_matrix
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
from AIImagingLogic.scene.segment_correction import SegmentCorrection
from AIImagingLogic.scene.segment_correction_prompts import box_of_corners, box_of_roi, click, joined, scribble
from AIImagingLogic.scene.segment_correction_proposal import proposal_of
from AIImagingLogic.scene.segment_correction_record import TABLE_ROLE, algorithm_of, corrections_of
from Testing.Python.editor_scene import SHAPE, editor_scene

pytest.importorskip("slicer")

MODEL = ModelUse("ball", "1.0", "0" * 64)
CLICK = Prompts(inside_mm=((1.0, 2.0, 3.0),))


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def _correction(scene, clock=None):
    return SegmentCorrection(scene.editor, scene.logic.SaveStateForUndo, [MODEL], clock or Clock())


def _crop(scene, where, inside):
    """A result: in the box `where` (k, j, i), the object is where `inside` is true."""
    voxels = np.zeros(SHAPE, np.uint8)
    voxels[inside] = 1
    k, j, i = (part.start for part in where)
    image = sitk.GetImageFromArray(voxels[where])
    image.SetSpacing(scene.image.GetSpacing())
    image.SetDirection(scene.image.GetDirection())
    image.SetOrigin(scene.image.TransformIndexToPhysicalPoint((i, j, k)))
    return image


BOX_ONE, IN_ONE = np.s_[2:9, 2:10, 8:18], np.s_[4:8, 4:9, 9:16]
BOX_TWO, IN_TWO = np.s_[5:12, 5:12, 3:12], np.s_[6:11, 6:11, 4:10]


def _pasted(before, where, inside):
    after = before.copy()
    after[where] = False
    after[inside] = True
    return after


def _same(segments, others):
    for name, mask in others.items():
        np.testing.assert_array_equal(segments[name], mask, err_msg=name)


@pytest.mark.parametrize("mask_mode", [0, 1, 3])
def test_a_later_result_replaces_an_earlier_one_in_the_segment_and_in_those_that_gave_way(mask_mode):
    scene = editor_scene()
    scene.editor.SetMaskMode(mask_mode)
    before = scene.segments()
    correction = _correction(scene)
    correction.show(CLICK)
    correction.apply(_crop(scene, BOX_ONE, IN_ONE), scene.volume)
    correction.show(CLICK)
    correction.apply(_crop(scene, BOX_TWO, IN_TWO), scene.volume)
    others = before["beside"] | before["hidden"] | before["over"]
    wanted = _pasted(before["edited"], BOX_TWO, IN_TWO)
    after = scene.segments()
    editable = {0: np.ones(SHAPE, bool), 1: others | before["edited"], 3: ~others}[mask_mode]
    expected = np.where(editable, wanted, before["edited"])
    added = expected & ~before["edited"]
    np.testing.assert_array_equal(after["edited"], expected)
    for name in ("beside", "hidden", "over"):
        np.testing.assert_array_equal(after[name], before[name] & ~added, err_msg=name)


@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_each_result_is_one_step_of_undo_however_often_it_was_saved_ahead(ahead):
    scene = editor_scene()
    states, correction = [scene.segments()], _correction(scene)
    for box, inside in ((BOX_ONE, IN_ONE), (BOX_TWO, IN_TWO)):
        correction.show(CLICK)
        for _ in range(ahead):
            correction.save_ahead()
        correction.apply(_crop(scene, box, inside), scene.volume)
        states.append(scene.segments())
    for state in (states[1], states[0]):
        scene.logic.Undo()
        _same(scene.segments(), state)
    assert not scene.logic.CanUndo()
    scene.logic.Redo()
    scene.logic.Redo()
    _same(scene.segments(), states[2])


def test_dropping_gives_back_every_segment_and_what_it_said_of_its_algorithm():
    scene = editor_scene()
    scene.segmentation.GetSegmentation().GetSegment("edited").SetTag("DICOM.SegmentAlgorithmType", "AUTOMATIC")
    before, tags, correction = scene.segments(), algorithm_of(scene.segmentation, "edited"), _correction(scene)
    correction.show(CLICK)
    correction.apply(_crop(scene, BOX_ONE, IN_ONE), scene.volume)
    assert algorithm_of(scene.segmentation, "edited")["DICOM.SegmentAlgorithmType"] == "SEMIAUTOMATIC"
    correction.drop()
    _same(scene.segments(), before)
    assert algorithm_of(scene.segmentation, "edited") == tags == {"DICOM.SegmentAlgorithmType": "AUTOMATIC"}
    assert correction.accept() is None and corrections_of(scene.segmentation) == ()


def test_taking_the_last_prompt_back_leads_to_the_outline_before():
    scene = editor_scene()
    before, correction = scene.segments(), _correction(scene)
    correction.show(CLICK)
    correction.apply(_crop(scene, BOX_ONE, IN_ONE), scene.volume)
    assert correction.take_back().empty
    correction.apply(None, scene.volume)
    _same(scene.segments(), before)


def test_a_result_that_changes_nothing_leaves_no_trace():
    scene = editor_scene()
    edited = scene.segments()["edited"]
    correction = _correction(scene)
    correction.show(CLICK)
    correction.save_ahead()
    correction.apply(_crop(scene, BOX_ONE, np.nonzero(edited)), scene.volume)
    assert not scene.logic.CanUndo() and correction.accept() is None
    assert proposal_of(scene.segmentation, "edited") is None
    assert algorithm_of(scene.segmentation, "edited") == {}


def test_an_edit_by_another_tool_or_undo_makes_a_correction_outdated():
    scene = editor_scene()
    correction = _correction(scene)
    correction.show(CLICK)
    correction.apply(_crop(scene, BOX_ONE, IN_ONE), scene.volume)
    assert not correction.outdated
    scene.logic.Undo()
    assert correction.outdated
    again = _correction(scene)
    assert not again.outdated
    scene.editor.SetSelectedSegmentID("beside")
    assert again.outdated


def test_the_proposal_is_kept_hidden_and_the_difference_recorded():
    scene, clock = editor_scene(), Clock()
    voxel_ml = np.prod(scene.image.GetSpacing()) / 1000
    before = scene.segments()["edited"]
    for number, (box, inside) in enumerate(((BOX_ONE, IN_ONE), (BOX_TWO, IN_TWO))):
        correction = _correction(scene, clock)
        for _ in range(2):
            correction.show(CLICK)
        clock.now += 4.0 + number
        correction.apply(_crop(scene, box, inside), scene.volume)
        clock.now += 60.0
        recorded = correction.accept()
    after = scene.segments()["edited"]
    proposals = proposal_of(scene.segmentation, "edited")
    assert proposals.GetHideFromEditors() and proposals.GetDisplayNode() is None
    lattice = lattice_of(scene.segmentation)
    np.testing.assert_array_equal(segment_in(proposals, "edited", lattice, lattice.extent), before)
    assert recorded.clicks == 4 and recorded.seconds == pytest.approx(9.0)
    assert recorded.proposed_ml == pytest.approx(before.sum() * voxel_ml)
    assert recorded.final_ml == pytest.approx(after.sum() * voxel_ml)
    assert recorded.added_ml == pytest.approx((after & ~before).sum() * voxel_ml)
    assert recorded.removed_ml == pytest.approx((before & ~after).sum() * voxel_ml)
    assert recorded.dice == pytest.approx(2 * (after & before).sum() / (after.sum() + before.sum()))
    assert corrections_of(scene.segmentation) == (recorded,)
    table = scene.segmentation.GetNodeReference(TABLE_ROLE)
    assert table.GetNumberOfRows() == 1
    assert table.GetCellText(0, table.GetColumnIndex("Clicks")) == "4"
    assert algorithm_of(scene.segmentation, "edited") == {
        "DICOM.SegmentAlgorithmType": "SEMIAUTOMATIC",
        "DICOM.SegmentAlgorithmName": "ball 1.0",
    }


def test_the_proposal_and_the_record_are_there_in_a_saved_scene(tmp_path):
    from AIImagingLogic.scene.save import load_scene, save_scene

    scene = editor_scene()
    before, correction = scene.segments()["edited"], _correction(scene)
    correction.show(CLICK)
    correction.apply(_crop(scene, BOX_ONE, IN_ONE), scene.volume)
    recorded = correction.accept()
    scene.logic.SetSegmentEditorNode(None)
    scene.scene.RemoveNode(scene.editor)
    save_scene(scene.scene, tmp_path / "corrected.mrb")
    loaded = load_scene(tmp_path / "corrected.mrb")
    node = loaded.GetFirstNodeByName("Segmentation")
    assert corrections_of(node) == (recorded,)
    assert node.GetNodeReference(TABLE_ROLE).GetNumberOfRows() == 1
    assert algorithm_of(node, "edited")["DICOM.SegmentAlgorithmType"] == "SEMIAUTOMATIC"
    proposals = proposal_of(node, "edited")
    assert proposals.GetHideFromEditors()
    lattice = lattice_of(node)
    np.testing.assert_array_equal(segment_in(proposals, "edited", lattice, lattice.extent), before)


def test_an_outline_from_nothing_has_no_dice():
    scene = editor_scene()
    everywhere = np.s_[0:14, 0:17, 0:20]
    correction = _correction(scene)
    correction.show(CLICK)
    correction.apply(_crop(scene, everywhere, np.s_[0:0, 0:0, 0:0]), scene.volume)
    assert correction.accept().final_ml == 0
    scene.segmentation.RemoveNodeReferenceIDs("AIImaging.Proposal")
    correction = _correction(scene)
    correction.show(CLICK)
    correction.apply(_crop(scene, BOX_ONE, IN_ONE), scene.volume)
    assert correction.accept().dice is None
    np.testing.assert_array_equal(np.argwhere(scene.segments()["edited"]).min(axis=0), [4, 4, 9])


def test_the_outline_before_is_given_on_the_grid_of_the_volume():
    scene = editor_scene()
    before = scene.segments()["edited"]
    turned = np.array([[0.0, -1.0, 0.0, 5.0], [1.0, 0.0, 0.0, 6.0], [0.0, 0.0, 1.0, 7.0], [0.0, 0.0, 0.0, 1.0]])
    transform = scene.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(vtk_matrix(turned))
    for node in (scene.volume, scene.segmentation):
        node.SetAndObserveTransformNodeID(transform.GetID())
    np.testing.assert_array_equal(_correction(scene).proposal(scene.volume), before)
    shift = np.eye(4)
    shift[:3, :3] = np.array(scene.image.GetDirection()).reshape(3, 3) * [[-1], [-1], [1]]
    steps = np.eye(4)
    steps[:3, 3] = shift[:3, :3] @ (np.array([2.0, -1.0, 3.0]) * scene.image.GetSpacing())
    moved = scene.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    moved.SetMatrixTransformToParent(vtk_matrix(turned @ steps))
    scene.segmentation.SetAndObserveTransformNodeID(moved.GetID())
    expected = np.zeros(SHAPE, bool)
    expected[3:, :-1, 2:] = before[:-3, 1:, :-2]
    np.testing.assert_array_equal(_correction(scene).proposal(scene.volume), expected)


def test_what_is_shown_in_a_view_lies_there_in_the_volume_under_its_transform():
    scene = editor_scene()
    turned = np.array([[0.0, -1.0, 0.0, 5.0], [1.0, 0.0, 0.0, 6.0], [0.0, 0.0, 1.0, 7.0], [0.0, 0.0, 0.0, 1.0]])
    transform = scene.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(vtk_matrix(turned))
    scene.volume.SetAndObserveTransformNodeID(transform.GetID())

    def world(index):
        ras = ras_from_lps(scene.image.TransformIndexToPhysicalPoint(index))
        return (turned @ [*ras, 1.0])[:3]

    first, second = (3, 4, 5), (9, 12, 5)
    shown = joined(
        [
            click(scene.volume, world(first), True),
            click(scene.volume, world(second), False),
            scribble(scene.volume, [world(first), world(second)], True, 2.0),
        ]
    )
    points = [scene.image.TransformIndexToPhysicalPoint(index) for index in (first, second)]
    np.testing.assert_allclose(shown.inside_mm, points[:1], atol=1e-9)
    np.testing.assert_allclose(shown.outside_mm, points[1:], atol=1e-9)
    np.testing.assert_allclose(shown.strokes[0].points_mm, points, atol=1e-9)
    assert shown.strokes[0].inside and shown.strokes[0].radius_mm == 2.0
    directions = np.array(scene.image.GetDirection()).reshape(3, 3)
    view = turned[:3, :3] @ ras_from_lps(directions.T).T
    box = box_of_corners(scene.volume, world(first), world(second), view).box
    np.testing.assert_allclose(box.center_mm, np.mean(points, axis=0), atol=1e-9)
    np.testing.assert_allclose(box.size_mm, [6 * 0.7, 8 * 0.9, 0.0], atol=1e-9)
    np.testing.assert_allclose(np.abs(np.array(box.axes) @ directions), np.eye(3), atol=1e-9)
    assert np.linalg.det(box.axes) == pytest.approx(1.0)


def test_a_box_is_that_of_the_roi():
    import slicer

    scene = editor_scene()
    roi = slicer.vtkMRMLMarkupsROINode()
    scene.scene.AddNode(roi)
    roi.SetCenter(4.0, -5.0, 6.0)
    roi.SetSize(10.0, 20.0, 30.0)
    box = box_of_roi(scene.volume, roi).box
    np.testing.assert_allclose(box.center_mm, (-4.0, 5.0, 6.0), atol=1e-9)
    np.testing.assert_allclose(box.size_mm, (10.0, 20.0, 30.0))
    np.testing.assert_allclose(np.abs(box.axes), np.eye(3), atol=1e-9)
