"""The Segment Editor effect in the test host: registered, driven by mouse and keyboard, closed without a trace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.scene.editor_rules_editor import open_editor
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
from AIImagingLogic.scene.segment_correction_record import corrections_of
from AIImagingLogic.scene.volumes import volume_node_from_image
from Testing.Host import reason_missing
from Testing.Python.editor_scene import segmentation_of
from Testing.Python.segment_editor_stand_in import Interactor, ScriptedEffect, SliceView, modules

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

MODULE = Path(__file__).resolve().parents[2] / "AIImaging" / "SegmentEditorAICorrection"
NAME = MODULE.name
SHAPE = (30, 50, 60)
OBJECT = np.s_[8:22, 12:36, 15:45]
PROPOSED = np.s_[8:22, 12:36, 15:30]


class _Editor:
    """The effect as Slicer runs it, on a bright box of which the proposal holds one half."""

    def __init__(self, host: Any) -> None:
        import vtk

        self.host, self.events = host, vtk.vtkCommand
        rng = np.random.default_rng(0)
        voxels = rng.normal(-50, 8, SHAPE).astype(np.int16)
        voxels[OBJECT] += 150
        image = sitk.GetImageFromArray(voxels)
        self.volume = volume_node_from_image(image, host.scene, "CT")
        labels = np.zeros(SHAPE, np.uint8)
        labels[PROPOSED] = 1
        self.segmentation = segmentation_of(host.scene, self.volume, [(image, labels, ("box",))])
        self.node, self.logic = open_editor(self.segmentation, "box", self.volume)
        (self.scripted,) = ScriptedEffect.registered
        self.scripted.edit(self.node, self.logic)
        self.effect = self.scripted.self()
        self.effect.setupOptionsFrame()
        self.effect.activate()
        self.view = SliceView(self._slice_node())

    def _slice_node(self) -> Any:
        import slicer

        # An axial slice at k = 15, a pixel a voxel: RAS is (-i, -j, k).
        node = slicer.vtkMRMLSliceNode()
        node.SetLayoutName("Test")
        node.SetDimensions(60, 50, 1)
        node.SetFieldOfView(60, 50, 1)
        node.SetOrientationToAxial()
        node.JumpSliceByCentering(-30.0, -25.0, 15.0)
        self.host.scene.AddNode(node)
        node.UpdateMatrices()
        return node

    def pixel(self, i: float, j: float) -> tuple[int, int]:
        import vtk

        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.view.sliceLogic().GetSliceNode().GetXYToRAS(), inverse)
        x, y, *_ = inverse.MultiplyPoint((-i, -j, 15.0, 1.0))
        return round(x), round(y)

    def send(self, event: int, **what: Any) -> bool:
        return bool(self.effect.processInteractionEvents(Interactor(**what), event, self.view))

    def drag(self, *points: tuple[int, int], control: bool = False) -> None:
        pixels = [self.pixel(*point) for point in points]
        assert self.send(self.events.LeftButtonPressEvent, xy=pixels[0], control=control)
        for xy in pixels[1:]:
            assert self.send(self.events.MouseMoveEvent, xy=xy, control=control)
        assert self.send(self.events.LeftButtonReleaseEvent, xy=pixels[-1], control=control)
        self.settle()

    def key(self, name: str) -> bool:
        taken = self.send(self.events.KeyPressEvent, key=name)
        self.settle()
        return taken

    def settle(self) -> None:
        tool = self.effect._tool
        self.host.process_events(until=lambda: tool is None or not tool.waiting, timeout=60)

    def mask(self) -> np.ndarray:
        lattice = lattice_of(self.segmentation)
        return segment_in(self.segmentation, "box", lattice, lattice.extent)

    def dice(self) -> float:
        truth = np.zeros(SHAPE, bool)
        truth[OBJECT] = True
        mask = self.mask()
        return float(2 * (truth & mask).sum() / (truth.sum() + mask.sum()))

    @property
    def said(self) -> str:
        return str(self.effect.ui.statusLabel.text)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from Testing.Host import running

    for name, module in modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(ScriptedEffect, "registered", [])
    with running() as started:
        monkeypatch.syspath_prepend(str(MODULE.parent))
        monkeypatch.syspath_prepend(str(MODULE))
        yield started


@pytest.fixture
def editor(host: Any) -> Iterator[_Editor]:
    import slicer

    from Testing.Host.application.modules import qSlicerScriptedLoadableModule
    from Testing.Host.pythonqt import unwrap, wrap

    module = __import__(NAME)
    declared = wrap(qSlicerScriptedLoadableModule(NAME, str(MODULE / f"{NAME}.py")))
    getattr(module, NAME)(declared)
    assert declared.hidden and f"{NAME}Lib" not in sys.modules
    unwrap(slicer.app).startupCompleted.emit()
    made = _Editor(host)
    yield made
    made.effect.deactivate()
    made.effect.cleanup()


def test_a_click_adds_what_is_missing_and_accepting_records_it(editor: _Editor) -> None:
    before = editor.dice()
    editor.drag((40, 24))
    assert editor.dice() > 0.95 > before
    assert "voxels added" in editor.said
    assert editor.key("Return")
    (recorded,) = corrections_of(editor.segmentation)
    assert recorded.clicks == 1 and "Accepted" in editor.said


def test_control_click_removes_and_undo_of_the_editor_gives_back(editor: _Editor) -> None:
    editor.drag((40, 24))
    grown = editor.mask()
    editor.drag((43, 24), control=True)
    i, j, k = 43, 24, 15
    assert not editor.mask()[k, j, i] and grown[k, j, i]
    editor.logic.Undo()
    np.testing.assert_array_equal(editor.mask(), grown)


@pytest.mark.parametrize("drop", ["Delete", "Escape"])
def test_backspace_takes_the_last_back_and_delete_all(editor: _Editor, drop: str) -> None:
    proposed = editor.mask()
    editor.drag((40, 24))
    once = editor.mask()
    editor.drag((20, 20), control=True)
    assert editor.key("BackSpace")
    np.testing.assert_array_equal(editor.mask(), once)
    assert editor.key(drop)
    np.testing.assert_array_equal(editor.mask(), proposed)
    assert not editor.key("a")


def test_a_line_is_a_scribble_a_box_a_box_and_a_lasso_a_lasso(editor: _Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(editor.effect, "_show", shown.append)
    editor.drag((20, 20), (28, 22), (40, 24), control=True)
    editor.effect.ui.boxButton.checked = True
    editor.drag((15, 12), (30, 20), (44, 35))
    editor.effect.ui.lassoButton.checked = True
    editor.drag((14, 10), (46, 12), (44, 37), (13, 36))
    (stroke,), box = shown[0].strokes, shown[1].box
    np.testing.assert_allclose(shown[2].lasso_mm[2], (44, 37, 15), atol=0.51)
    assert len(shown[2].lasso_mm) == 4
    assert not stroke.inside
    np.testing.assert_allclose(stroke.points_mm[-1], (40, 24, 15), atol=0.51)
    np.testing.assert_allclose(box.center_mm, (29.5, 23.5, 15), atol=0.51)
    np.testing.assert_allclose(sorted(box.size_mm), (0, 23, 29), atol=1.01)
    assert editor.scripted.actors == [] and editor.view.renders > 0


def test_a_press_that_the_user_does_not_confirm_or_with_shift_shows_nothing(editor: _Editor) -> None:
    editor.scripted.confirmed = editor.scripted.NotConfirmed
    assert editor.send(editor.events.LeftButtonPressEvent, xy=(3, 3))
    assert not editor.send(editor.events.LeftButtonReleaseEvent, xy=(3, 3))
    editor.scripted.confirmed = editor.scripted.ConfirmedWithoutDialog
    assert not editor.send(editor.events.LeftButtonPressEvent, xy=(3, 3), shift=True)
    assert editor.effect._gesture is None


def test_what_hinders_is_said_in_the_effect(editor: _Editor) -> None:
    editor.node.SetAndObserveSourceVolumeNode(None)
    editor.effect.prepare()
    assert "source volume" in editor.said
    editor.effect.ui.roiButton.click()
    assert "No ROI is chosen." in editor.said
    editor.scripted.edit(None, editor.logic)
    editor.effect.prepare()
    assert "No segmentation is chosen." in editor.said


def test_the_buttons_change_the_segment_and_split_waits_for_a_click(editor: _Editor) -> None:
    before = editor.dice()
    editor.effect.ui.growButton.click()
    editor.settle()
    grown = editor.mask()
    assert editor.dice() > 0.95 > before
    editor.effect.ui.smoothButton.click()
    editor.settle()
    assert "voxels added" in editor.said and editor.dice() > 0.9
    editor.effect.ui.fillButton.click()
    editor.settle()
    assert "no slice to fill" in editor.said
    smoothed = editor.mask()
    editor.effect.ui.splitButton.checked = True
    editor.drag((30, 24))
    ids = editor.segmentation.GetSegmentation().GetSegmentIDs()
    assert len(ids) == 2 and not editor.effect.ui.splitButton.checked
    assert grown.sum() > 0 and 0 < editor.mask().sum() < smoothed.sum()


def test_leaving_the_effect_records_what_was_corrected(editor: _Editor) -> None:
    editor.drag((40, 24))
    editor.effect.deactivate()
    assert len(corrections_of(editor.segmentation)) == 1


def test_a_copy_of_the_effect_is_of_the_same_class(editor: _Editor) -> None:
    copy = editor.effect.clone()
    assert type(copy.self()) is type(editor.effect) and copy.name == "AI correction"
