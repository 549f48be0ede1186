"""The Segment Editor effect in the test host: the preview, a redrawn slice, and another visit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.models.interactive import presence
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
from AIImagingLogic.scene.volumes import volume_node_from_image
from Testing.Host import reason_missing
from Testing.Python.correction_editor import OBJECT, SHAPE, CorrectionEditor, correction_editor, correction_host

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> Iterator[CorrectionEditor]:
    with correction_host(monkeypatch) as host, correction_editor(host) as made:
        yield made


def test_without_apply_at_once_the_change_is_shown_and_enter_puts_it_into_the_segment(editor: CorrectionEditor) -> None:
    editor.effect.ui.autoApplyBox.click()
    assert editor.effect.ui.acceptButton.text == "Apply"
    before = editor.mask()
    editor.drag((40, 24))
    np.testing.assert_array_equal(editor.mask(), before)
    shown = editor.effect._tool.changes.preview.node
    assert shown.GetSegmentation().GetSegmentIDs() == ("added",) and "would be added" in editor.said
    editor.effect.ui.growButton.click()
    editor.settle()
    np.testing.assert_array_equal(editor.mask(), before)
    assert editor.key("Return")
    assert editor.dice() > 0.95 and editor.effect._tool.changes.preview.node is None
    editor.logic.Undo()
    np.testing.assert_array_equal(editor.mask(), before)
    editor.drag((40, 24))
    assert editor.effect._tool.changes.preview.node is not None
    editor.effect.deactivate()
    assert editor.effect._tool.changes.preview.node is None
    np.testing.assert_array_equal(editor.mask(), before)
    editor.effect.activate()
    editor.drag((40, 24))
    editor.effect.ui.autoApplyBox.click()
    assert editor.dice() > 0.9 and editor.effect.ui.acceptButton.text == "Accept"


def test_in_a_narrow_panel_what_stands_for_no_transform_can_be_read_whole(editor: CorrectionEditor) -> None:
    from PySide6 import QtWidgets

    from Testing.Host.pythonqt import unwrap

    ui = editor.effect.ui
    ui.visitGroup.collapsed = False
    options = unwrap(editor.effect._widget)
    options.setFixedWidth(420)
    options.adjustSize()
    # Drawn, so that what it holds is laid out.
    options.grab()
    box = unwrap(ui.transformSelector)
    box = box if isinstance(box, QtWidgets.QComboBox) else box.findChild(QtWidgets.QComboBox)
    style, how = box.style(), QtWidgets.QStyleOptionComboBox()
    box.initStyleOption(how)
    field = style.subControlRect(style.ComplexControl.CC_ComboBox, how, style.SubControl.SC_ComboBoxEditField, box)
    assert box.currentText() == "found in the scene, else made"
    assert box.fontMetrics().horizontalAdvance(box.currentText()) < field.width()


def test_a_redrawn_slice_becomes_what_was_drawn_and_the_others_follow(editor: CorrectionEditor) -> None:
    editor.effect.ui.sliceButton.checked = True
    before = editor.dice()
    editor.drag((15, 12), (44, 12), (44, 35), (15, 35), (15, 13))
    assert editor.dice() > 0.93 > before
    assert "voxels added" in editor.said
    editor.logic.Undo()
    assert editor.dice() == before


def test_carry_makes_a_segment_at_the_other_visit_and_says_so(editor: CorrectionEditor) -> None:
    import vtk

    editor.drag((40, 24))
    image = sitk.GetImageFromArray(np.random.default_rng(1).normal(-50, 8, SHAPE).astype(np.int16))
    voxels = sitk.GetArrayViewFromImage(image).copy()
    voxels[tuple(slice(part.start + 3, part.stop + 3) for part in OBJECT)] += 150
    later = volume_node_from_image(sitk.GetImageFromArray(voxels), editor.host.scene, "Later")
    editor.effect.ui.carryButton.click()
    assert "other visit is not chosen" in editor.said
    shift = editor.host.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Shift")
    matrix = vtk.vtkMatrix4x4()
    for row, mm in enumerate((3.0, 3.0, -3.0)):
        matrix.SetElement(row, 3, mm)
    shift.SetMatrixTransformToParent(matrix)
    later.SetAndObserveTransformNodeID(shift.GetID())
    editor.effect.ui.visitSelector.setCurrentNode(later)
    editor.effect.ui.transformSelector.setCurrentNode(shift)
    editor.effect.ui.carryButton.click()
    carrier = editor.effect._carrier
    editor.host.process_events(until=lambda: not carrier.waiting, timeout=300)
    assert editor.said.startswith("Carried:") and "'Later carried outlines'" in editor.said
    made = editor.host.scene.GetFirstNodeByName("Later carried outlines")
    lattice = lattice_of(made)
    (segment_id,) = made.GetSegmentation().GetSegmentIDs()
    found = np.argwhere(segment_in(made, segment_id, lattice, lattice.extent))
    middle = [(part.start + part.stop - 1) / 2 + 3 for part in OBJECT]
    np.testing.assert_allclose(found.mean(axis=0), middle, atol=0.7)


def test_engines_are_listed_only_when_one_is_here_with_the_licence_of_its_weights(
    editor: CorrectionEditor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    box, licence = editor.effect.ui.engineBox, editor.effect.ui.licenceLabel
    monkeypatch.setattr(presence, "interactive_models", lambda: ())
    editor.effect._engines.look()
    assert box.count == 1 and not box.visible
    kind, said = presence.Kind.NNINTERACTIVE, "https://example.org/licence"
    model = presence.InteractiveModel("nninteractive:gone", kind, "gone", "CC BY-NC-SA 4.0", said, tmp_path)
    monkeypatch.setattr(presence, "interactive_models", lambda: (model,))
    editor.effect._engines.look()
    assert box.count == 2 and editor.effect._engines.chosen == "prompted-outline"
    monkeypatch.setattr(presence, "interactive_models", lambda: ())
    box.currentIndex = 1
    assert "CC BY-NC-SA 4.0" in licence.text and said in licence.text
    assert "'nninteractive:gone'" in editor.said
