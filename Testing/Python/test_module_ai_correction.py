"""The Segment Editor effect in the test host: registered, driven by mouse and keyboard, closed without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from AIImagingLogic.scene.segment_correction_record import corrections_of
from Testing.Host import reason_missing
from Testing.Python.correction_editor import CorrectionEditor, correction_editor, correction_host

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> Iterator[CorrectionEditor]:
    with correction_host(monkeypatch) as host, correction_editor(host) as made:
        yield made


def test_a_click_adds_what_is_missing_and_accepting_records_it(editor: CorrectionEditor) -> None:
    before = editor.dice()
    editor.drag((40, 24))
    assert editor.dice() > 0.95 > before
    assert "voxels added" in editor.said
    assert editor.key("Return")
    (recorded,) = corrections_of(editor.segmentation)
    assert recorded.clicks == 1 and "Accepted" in editor.said


def test_control_click_removes_and_undo_of_the_editor_gives_back(editor: CorrectionEditor) -> None:
    editor.drag((40, 24))
    grown = editor.mask()
    editor.drag((43, 24), control=True)
    i, j, k = 43, 24, 15
    assert not editor.mask()[k, j, i] and grown[k, j, i]
    editor.logic.Undo()
    np.testing.assert_array_equal(editor.mask(), grown)


@pytest.mark.parametrize("drop", ["Delete", "Escape"])
def test_backspace_takes_the_last_back_and_delete_all(editor: CorrectionEditor, drop: str) -> None:
    proposed = editor.mask()
    editor.drag((40, 24))
    once = editor.mask()
    editor.drag((20, 20), control=True)
    assert editor.key("BackSpace")
    np.testing.assert_array_equal(editor.mask(), once)
    assert editor.key(drop)
    np.testing.assert_array_equal(editor.mask(), proposed)
    assert not editor.key("a")


def test_a_line_is_a_scribble_a_box_a_box_and_a_lasso_a_lasso(
    editor: CorrectionEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_press_that_the_user_does_not_confirm_or_with_shift_shows_nothing(editor: CorrectionEditor) -> None:
    editor.scripted.confirmed = editor.scripted.NotConfirmed
    assert editor.send(editor.events.LeftButtonPressEvent, xy=(3, 3))
    assert not editor.send(editor.events.LeftButtonReleaseEvent, xy=(3, 3))
    editor.scripted.confirmed = editor.scripted.ConfirmedWithoutDialog
    assert not editor.send(editor.events.LeftButtonPressEvent, xy=(3, 3), shift=True)
    assert editor.effect._events.gesture is None


def test_what_hinders_is_said_in_the_effect(editor: CorrectionEditor) -> None:
    editor.node.SetAndObserveSourceVolumeNode(None)
    editor.effect.prepare()
    assert "source volume" in editor.said
    editor.effect.ui.roiButton.click()
    assert "No ROI is chosen." in editor.said
    editor.scripted.edit(None, editor.logic)
    editor.effect.prepare()
    assert "No segmentation is chosen." in editor.said


def test_the_buttons_change_the_segment_and_split_waits_for_a_click(editor: CorrectionEditor) -> None:
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


def test_leaving_the_effect_records_what_was_corrected(editor: CorrectionEditor) -> None:
    editor.drag((40, 24))
    editor.effect.deactivate()
    assert len(corrections_of(editor.segmentation)) == 1


def test_a_copy_of_the_effect_is_of_the_same_class(editor: CorrectionEditor) -> None:
    copy = editor.effect.clone()
    assert type(copy.self()) is type(editor.effect) and copy.name == "AI correction"
