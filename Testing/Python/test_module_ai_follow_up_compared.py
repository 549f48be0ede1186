"""Two visits compared in the panel of AI Follow-up: laid over each other, and scrolled together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from follow_up_panel import THREE_VISITS, slice_middle_lps
from panel_setting import PanelSetting

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

MODULE = THREE_VISITS


def composite(setting: PanelSetting, name: str) -> Any:
    return setting.scene.GetSingletonNode(name, "vtkMRMLSliceCompositeNode")


def _jump(setting: PanelSetting, name: str, x: float, y: float, z: float) -> None:
    setting.scene.GetSingletonNode(name, "vtkMRMLSliceNode").JumpSliceByCentering(-x, -y, z)
    setting.host.process_events()


def test_warped_later_visit_lies_on_the_earlier_one_and_leaves_nothing_behind(setting: PanelSetting) -> None:
    import slicer

    setting.run()
    before = set(setting.snapshot())
    setting.panel.widget.onLesion(1)
    layout = set(setting.snapshot())
    setting.panel.choose("overlayComboBox", "warped")
    assert setting.errors == []
    shown = slicer.mrmlScene.GetNodeByID(composite(setting, "FollowUpAxial").GetBackgroundVolumeID())
    assert shown is not setting.inputs[2] and shown.GetImageData() is setting.inputs[2].GetImageData()
    # Images 4 mm apart a visit, to the left: RAS x falls from the first to the third by 8 mm.
    world = np.zeros(3)
    shown.TransformPointToWorld((-48.0, 20.0, -120.0), world)
    assert world == pytest.approx((-40.0, 20.0, -120.0), abs=1e-3)
    setting.panel.choose("overlayComboBox", "difference")
    first = composite(setting, "BaselineAxial")
    assert first.GetForegroundVolumeID() == shown.GetID() and first.GetCompositing() == first.Subtract
    setting.panel.choose("overlayComboBox", "flicker")
    assert first.GetCompositing() == first.Alpha
    opacity = first.GetForegroundOpacity()
    setting.host.process_events(until=lambda: first.GetForegroundOpacity() != opacity, timeout=5)
    setting.panel.choose("overlayComboBox", "as it is")
    assert first.GetForegroundVolumeID() is None
    setting.panel.click("compareButton")
    assert setting.errors == [] and before <= set(setting.snapshot()) <= layout


def test_both_visits_are_scrolled_together_unless_the_user_unlinks_them(setting: PanelSetting) -> None:
    setting.run()
    setting.panel.widget.onLesion(1)
    # Images 4 mm apart a visit: the lesion lies 8 mm further at the third.
    _jump(setting, "BaselineAxial", 30.0, -10.0, -100.0)
    assert slice_middle_lps(setting, "FollowUpAxial") == pytest.approx((38.0, -10.0, -100.0), abs=1e-3)
    _jump(setting, "FollowUpCoronal", 20.0, 0.0, -90.0)
    assert slice_middle_lps(setting, "BaselineCoronal") == pytest.approx((12.0, 0.0, -90.0), abs=1e-3)
    setting.panel.choose("linkCheckBox", False)
    _jump(setting, "BaselineAxial", 0.0, 0.0, -80.0)
    assert slice_middle_lps(setting, "FollowUpAxial") == pytest.approx((38.0, -10.0, -100.0), abs=1e-3)
    setting.panel.choose("linkCheckBox", True)
    setting.panel.choose("overlayComboBox", "warped")
    _jump(setting, "BaselineAxial", 5.0, 6.0, -70.0)
    assert slice_middle_lps(setting, "FollowUpAxial") == pytest.approx((5.0, 6.0, -70.0), abs=1e-3)
    setting.panel.click("compareButton")
    assert setting.errors == []


def test_visits_that_are_not_registered_cannot_be_linked(setting: PanelSetting) -> None:
    run = setting.run()
    setting.scene.RemoveNode(run.nodes.transforms[0])
    setting.panel.click("compareButton")
    assert not setting.panel.ui.linkCheckBox.enabled
    setting.panel.click("compareButton")
    assert setting.panel.ui.linkCheckBox.enabled


def test_checkerboard_shows_both_visits_in_squares(setting: PanelSetting) -> None:
    import slicer

    setting.run()
    slicer.util.updateVolumeFromArray(setting.inputs[0], np.full((60, 60, 60), 100, np.int16))
    slicer.util.updateVolumeFromArray(setting.inputs[2], np.full((60, 60, 60), 200, np.int16))
    setting.panel.choose("overlayComboBox", "checkerboard")
    assert setting.errors == []
    board = slicer.mrmlScene.GetNodeByID(composite(setting, "BaselineAxial").GetBackgroundVolumeID())
    voxels = slicer.util.arrayFromVolume(board)[20:40, 20:40, 20:40]
    shares = [float(np.mean(voxels == value)) for value in (100, 200)]
    assert shares[0] == pytest.approx(0.5, abs=0.1) and sum(shares) == pytest.approx(1.0)
    assert np.all(slicer.util.arrayFromVolume(setting.inputs[0]) == 100)
    setting.panel.click("compareButton")
    assert board.GetScene() is None


def test_visits_without_a_registration_are_not_laid_over_each_other(setting: PanelSetting) -> None:
    run = setting.run()
    setting.scene.RemoveNode(run.nodes.transforms[1])
    setting.panel.choose("overlayComboBox", "warped")
    assert "not registered" in setting.status and setting.panel.ui.overlayComboBox.currentText == "as it is"
