"""The panel of AI Follow-up with more than two visits: the list, the run, the two visits compared, and the faults."""

from __future__ import annotations

import pytest
from follow_up_panel import THREE_VISITS, assert_refused, cell, dated_volumes, rows_of_list, slice_middle_lps
from panel_faults import FAULTS
from panel_setting import PanelSetting

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

MODULE = THREE_VISITS


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_with_three_visits(setting: PanelSetting, fault: str) -> None:
    FAULTS[fault](setting)


def _hidden(setting: PanelSetting, name: str) -> bool:
    return bool(setting.panel.find(name).isHidden())


def test_visits_are_added_and_taken_off_and_kept_with_the_scene(setting: PanelSetting) -> None:
    panel = setting.panel
    panel.click("addVisitButton")
    panel.click("addVisitButton")
    assert not any(_hidden(setting, f"visitSelector{row}") for row in range(1, 6))
    panel.click("visitRemove2")
    rows = [panel.find(f"visitSelector{row}").currentNode() for row in (1, 2, 3, 4)]
    assert rows == [setting.inputs[0], setting.inputs[2], None, None]
    assert [panel.find(f"visitDate{row}").text for row in (1, 2, 3)] == ["2024-01-10", "2025-01-10", ""]
    panel.exit()
    panel.enter()
    assert [panel.find(f"visitSelector{row}").currentNode() for row in (1, 2, 3, 4)] == rows
    parameters = panel.widget._parameterNode
    assert list(parameters.visits) == rows and list(parameters.visitDates) == ["2024-01-10", "2025-01-10", "", ""]


def test_no_more_than_twenty_visits_are_offered(setting: PanelSetting) -> None:
    for _ in range(25):
        setting.panel.click("addVisitButton")
    assert len(setting.panel.widget._visits.visits) == 20


def test_all_visits_of_the_patient_are_added_at_once_and_those_of_another_are_not(setting: PanelSetting) -> None:
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(setting.scene)
    other = dated_volumes(setting.scene, "Other patient", ("20230101",))[0]
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Other")
    hierarchy.SetItemParent(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(other)), patient)
    setting.choose([None, None, None])
    setting.panel.click("addAllButton")
    assert "several patients" in setting.status
    setting.choose([setting.inputs[1]])
    setting.panel.click("addAllButton")
    chosen = [node for node, _date in setting.panel.widget._visits.visits]
    assert chosen == [setting.inputs[1], setting.inputs[0], setting.inputs[2]]


def test_one_volume_twice_is_refused(setting: PanelSetting) -> None:
    setting.choose([setting.inputs[0], setting.inputs[1], setting.inputs[0]])
    assert_refused(setting, "is on the list twice")


def test_result_of_three_visits_compares_any_two_of_them(setting: PanelSetting) -> None:
    run = setting.run()
    ui = setting.panel.ui
    assert len(run.nodes.visits) == 3 and len(run.nodes.transforms) == 2
    assert sorted(rows_of_list(setting)) == [1, 2, 3, 4]
    assert ui.earlierComboBox.currentText == "Baseline, 2024-01-10"
    assert ui.laterComboBox.currentText == "Follow-up 2, 2025-01-10"
    setting.panel.widget.onLesion(1)
    assert "Mean diameters: 11.0 → 14.0 → 17.0 mm" in ui.lesionLabel.text
    # The images lie 4 mm apart.
    assert slice_middle_lps(setting, "BaselineAxial")[0] == pytest.approx(40, abs=1e-4)
    assert slice_middle_lps(setting, "FollowUpAxial")[0] == pytest.approx(48, abs=1e-4)
    middle = run.nodes.visits[1].lesions.GetDisplayNode()
    assert not middle.GetVisibility()
    setting.panel.choose("laterComboBox", "Follow-up 1, 2024-07-08")
    setting.panel.widget.onLesion(1)
    assert slice_middle_lps(setting, "FollowUpAxial")[0] == pytest.approx(44, abs=1e-4)
    assert middle.GetVisibility() and not run.nodes.visits[2].lesions.GetDisplayNode().GetVisibility()
    assert cell(setting, rows_of_list(setting).index(1), 3) == "11.0 → 14.0"
    setting.panel.click("compareButton")
    assert run.nodes.visits[2].lesions.GetDisplayNode().GetVisibility()


def test_visits_compared_stay_in_order_of_time(setting: PanelSetting) -> None:
    setting.run()
    setting.panel.choose("earlierComboBox", "Follow-up 2, 2025-01-10")
    assert setting.panel.widget._result.pair == (0, 2)
    setting.panel.choose("laterComboBox", "Follow-up 1, 2024-07-08")
    setting.panel.choose("earlierComboBox", "Follow-up 1, 2024-07-08")
    assert setting.panel.widget._result.pair == (1, 2)
