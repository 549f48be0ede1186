"""The panel of AI Detection in the test host, over the real job service: findings, their review, and the fault list."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from panel_faults import FAULTS
from panel_setting import PanelModule, PanelSetting, panel_setting
from reviewed_findings import NOTE, add_findings
from small_chest import BALLS, small_chest

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))


def _chest(scene: Any, name: str) -> list[Any]:
    from AIImagingLogic.scene.volumes import volume_node_from_image

    return [volume_node_from_image(small_chest(balls=()), scene, name)]


MODULE = PanelModule(
    "AIDetection", ("inputSelector",), _chest, lambda logic, volumes, wait: logic.process(*volumes, wait=wait)
)


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with panel_setting(MODULE, tmp_path, monkeypatch) as made:
        yield made


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(setting: PanelSetting, fault: str) -> None:
    FAULTS[fault](setting)


class _Reviewing:
    """The panel with 12 findings on show."""

    def __init__(self, host: Any, volume: Any, module: Path) -> None:
        self.host, self.scene = host, host.scene
        self.panel = host.open_module(module)
        self.nodes = add_findings(host.scene, volume, 12)
        self.panel.choose("findingsSelector", self.nodes.points)

    @property
    def review(self) -> Any:
        return self.panel.widget._review

    @property
    def shown(self) -> list[int]:
        """The numbers on the list, from the top."""
        return [int(uid.rpartition(".")[2]) for uid in self.review._table.uids]

    @property
    def selected(self) -> int | None:
        uid = self.review.selected
        return None if uid is None else int(uid.rpartition(".")[2])

    @property
    def counts(self) -> str:
        return str(self.panel.ui.countsLabel.text)

    def click(self, *names: str) -> None:
        for name in names:
            self.panel.click(f"{name}Button")

    def state(self, number: int) -> str:
        return str(self.panel.logic.findingView(self.nodes).review(f"1.2.826.0.1.{number}"))


@pytest.fixture
def reviewing() -> Any:
    from AIImagingLogic.scene.volumes import volume_node_from_image
    from Testing.Host import running

    with running() as host:
        image = sitk.GetImageFromArray(np.zeros((20, 30, 40), np.int16))
        yield _Reviewing(host, volume_node_from_image(image, host.scene, "CT"), _MODULE_FOLDER)


_MODULE_FOLDER = Path(__file__).resolve().parents[2] / "AIImaging" / "AIDetection"


def _slice_position(scene: Any) -> list[float]:
    node = scene.GetFirstNodeByClass("vtkMRMLSliceNode")
    return [node.GetSliceToRAS().GetElement(row, 3) for row in range(3)]


def test_next_goes_down_the_list_as_shown_and_all_slices_and_the_box_go_along(reviewing: _Reviewing) -> None:
    assert reviewing.shown == list(range(1, 13)) and reviewing.selected is None
    reviewing.click("next")
    assert reviewing.selected == 1
    # Largest first: sorted by number, not by its text ("10" before "9").
    reviewing.panel.ui.findingsTableView.sortByColumn(3, 1)
    assert reviewing.shown == list(range(12, 0, -1))
    reviewing.click("next", "next")
    # 1 was the last; after it the list begins again.
    assert reviewing.selected == 11
    found = np.zeros(3)
    reviewing.nodes.points.GetNthControlPointPositionWorld(10, found)
    assert _slice_position(reviewing.scene) == pytest.approx(found.tolist())
    assert reviewing.nodes.box.GetDisplayNode().GetVisibility() and reviewing.nodes.box.GetSize()[0] >= 14.0
    reviewing.click("previous")
    assert reviewing.selected == 12


def test_choosing_a_row_jumps_to_its_finding(reviewing: _Reviewing) -> None:
    view = reviewing.panel.ui.findingsTableView
    view.setCurrentIndex(view.model().index(4, 0))
    found = np.zeros(3)
    reviewing.nodes.points.GetNthControlPointPositionWorld(4, found)
    assert reviewing.selected == 5 and _slice_position(reviewing.scene) == pytest.approx(found.tolist())


def test_review_is_counted_filtered_and_taken_back(reviewing: _Reviewing) -> None:
    reviewing.click("next", "accept", "next", "reject")
    assert reviewing.counts == "12 findings: 1 accepted, 1 rejected, 10 to review"
    assert (reviewing.state(1), reviewing.state(2)) == ("accepted", "rejected")
    segments = reviewing.nodes.lesions.GetDisplayNode()
    names = [reviewing.nodes.lesions.GetSegmentation().GetNthSegmentID(number) for number in range(3)]
    assert [segments.GetSegmentVisibility(name) for name in names] == [True, False, True]
    for text, shown in (("rejected", [2]), ("accepted", [1]), ("to review", list(range(3, 13)))):
        reviewing.panel.choose("shownComboBox", text)
        assert reviewing.shown == shown
    reviewing.panel.choose("shownComboBox", "rejected")
    reviewing.click("next")
    assert reviewing.panel.ui.rejectButton.text == "Back to review"
    reviewing.click("reject")
    assert reviewing.state(2) == "unreviewed" and reviewing.shown == []


def test_a_reviewed_finding_leaves_the_filtered_list_and_the_next_is_shown(reviewing: _Reviewing) -> None:
    reviewing.panel.choose("shownComboBox", "to review")
    reviewing.click("next", "accept")
    assert reviewing.selected == 2 and reviewing.shown == list(range(2, 13))
    assert reviewing.panel.logic.findingView(reviewing.nodes).current == "1.2.826.0.1.2"


def test_all_shown_are_accepted_only_when_confirmed_and_rejected_ones_stay_so(reviewing: _Reviewing) -> None:
    reviewing.click("next", "reject")
    reviewing.click("acceptShown")
    assert reviewing.counts == "12 findings: 1 rejected, 11 to review"
    assert "the 11 findings" in reviewing.host.messages.texts("question")[0]
    reviewing.host.messages.answer(True)
    reviewing.click("acceptShown")
    assert reviewing.counts == "12 findings: 11 accepted, 1 rejected"
    assert not reviewing.panel.ui.acceptShownButton.enabled


def test_accepting_all_of_a_filtered_list_empties_it_and_moves_no_slice(reviewing: _Reviewing) -> None:
    reviewing.panel.choose("shownComboBox", "to review")
    reviewing.click("next", "next")
    place = _slice_position(reviewing.scene)
    reviewing.host.messages.answer(True)
    reviewing.click("acceptShown")
    assert reviewing.shown == [] and reviewing.selected is None and _slice_position(reviewing.scene) == place
    assert reviewing.panel.logic.findingView(reviewing.nodes).current == "1.2.826.0.1.2"


def test_review_survives_saving_the_scene_and_loading_it(reviewing: _Reviewing, tmp_path: Path) -> None:
    reviewing.click("next", "accept", "next", "next", "reject")
    reviewing.panel.choose("shownComboBox", "rejected")
    path = tmp_path / "scene.mrb"
    assert reviewing.scene.WriteToMRB(str(path))
    reviewing.host.close_scene()
    assert reviewing.counts == "No findings yet"
    assert reviewing.scene.ReadFromMRB(str(path))
    reviewing.panel.exit()
    reviewing.panel.enter()
    assert reviewing.counts == "12 findings: 1 accepted, 1 rejected, 10 to review"
    assert reviewing.shown == [3] and reviewing.panel.ui.shownComboBox.currentText == "rejected"
    assert reviewing.panel.ui.remarksLabel.text == NOTE
    reviewing.click("next", "reject")
    assert reviewing.counts == "12 findings: 1 accepted, 11 to review"


def test_export_holds_the_figures_and_the_review(reviewing: _Reviewing, tmp_path: Path) -> None:
    reviewing.click("next", "accept")
    path = tmp_path / "findings.csv"
    reviewing.host.messages.answer(str(path))
    reviewing.click("export")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 and [row["review"] for row in rows[:2]] == ["accepted", "unreviewed"]
    assert float(rows[1]["mean_diameter_mm"]) == 5.0 and rows[1]["uid"] == "1.2.826.0.1.2"
    assert float(rows[1]["volume_mm3"]) == pytest.approx(np.pi / 6 * 125, rel=1e-6)
    assert rows[1]["side"] == "right" and "organ_volume_ml" not in rows[0]


def test_export_to_a_folder_that_is_none_says_so_and_writes_nothing(reviewing: _Reviewing, tmp_path: Path) -> None:
    reviewing.host.messages.answer(str(tmp_path / "missing" / "findings.csv"))
    reviewing.click("export")
    (said,) = reviewing.host.messages.texts("error")
    assert "Could not write" in said and list(tmp_path.iterdir()) == []


def test_findings_whose_table_was_removed_are_not_reviewed_and_the_panel_says_why(reviewing: _Reviewing) -> None:
    reviewing.scene.RemoveNode(reviewing.nodes.table)
    reviewing.panel.exit()
    reviewing.panel.enter()
    assert "was removed" in reviewing.panel.ui.remarksLabel.text and reviewing.shown == []
    assert not reviewing.panel.ui.acceptButton.enabled and not reviewing.panel.ui.exportButton.enabled


def test_known_balls_are_found_corrected_and_measured_again_with_the_proposal_kept(setting: PanelSetting) -> None:
    from AIImagingLogic.scene.volumes import volume_node_from_image

    volume = volume_node_from_image(small_chest(2.0), setting.scene, "Two balls")
    setting.choose([volume])
    nodes = setting.run().nodes
    ui = setting.panel.ui
    assert ui.countsLabel.text == "2 findings: 2 to review" and ui.findingsSelector.currentNode() is nodes.points
    view = setting.panel.logic.findingView(nodes)
    found = np.zeros((2, 3))
    for index in range(2):
        nodes.points.GetNthControlPointPosition(index, found[index])
    truth = np.array([(-x, -y, z) for (x, y, z), _diameter in BALLS])
    apart = np.linalg.norm(found[:, None] - truth[None], axis=2)
    # A mark is to lie within a third of the diameter.
    assert (apart.min(axis=0) <= [diameter / 3 for _center, diameter in BALLS]).all()

    uid = view.uids[0]
    setting.panel.click("nextButton")
    setting.panel.click("measureButton")
    setting.host.process_events(until=lambda: ui.statusLabel.text.startswith("Measured again"), timeout=120)
    # Nothing was corrected: the figures are those of the proposal.
    before, after = ui.statusLabel.text.removeprefix("Measured again: ").removesuffix(".").split(", now ")
    assert before == after
    assert ui.countsLabel.text == "2 findings: 1 edited, 1 to review"
    proposals = view.lesions.GetNodeReference("AIImaging.Proposal")
    assert proposals.GetSegmentation().GetNumberOfSegments() == 1 and not proposals.GetDisplayVisibility()

    _erase_upper_half(view, uid)
    renewed = setting.panel.logic.measureAgain(nodes, uid)
    figures = nodes.table.GetTable().GetColumnByName("Volume")
    ball_mm3 = float(before.split(", ")[1].split()[0])
    # Half of the ball; a slice more or less of 2 mm in 14 or 20.
    assert figures.GetValue(0) == pytest.approx(ball_mm3 / 2, rel=0.2)
    assert renewed.review(uid) == "edited" and proposals.GetSegmentation().GetNumberOfSegments() == 1


def test_detector_that_was_chosen_is_kept_in_the_scene_and_is_the_one_that_runs(setting: PanelSetting) -> None:
    pytest.importorskip("torch")
    from AIImagingLogic.scene.provenance import provenance_of

    name = "Lung nodules (CT), network and score"
    ui = setting.panel.ui
    assert [ui.modelComboBox.itemText(n) for n in range(2)] == ["Lung nodules (CT)", name]
    setting.choose(setting.add_inputs("CT"))
    setting.panel.choose("modelComboBox", name)
    assert setting.panel.widget._parameterNode.modelId == "ct-lung-nodules-net"
    assert "alone it finds fewer" in ui.modelCardLabel.toolTip
    run = setting.run()
    used = [model.model_id for model in provenance_of(run.nodes.table).models]
    assert used == ["ct-lungs", "ct-lung-nodules-net", "ct-nodule-outline"]


def _erase_upper_half(view: Any, uid: str) -> None:
    """Take away half of a lesion's voxels, as the Segment Editor would."""
    from AIDetectionLib.correction import segment_of
    from vtk.util.numpy_support import vtk_to_numpy

    segment = view.lesions.GetSegmentation().GetSegment(segment_of(view, uid))
    labels = segment.GetRepresentation("Binary labelmap")
    voxels = vtk_to_numpy(labels.GetPointData().GetScalars()).reshape(labels.GetDimensions()[::-1])
    inside = np.argwhere(voxels == segment.GetLabelValue())
    middle = (inside[:, 0].min() + inside[:, 0].max() + 1) // 2
    upper = voxels[middle:]
    upper[upper == segment.GetLabelValue()] = 0
    labels.Modified()


def test_outline_that_was_erased_is_refused_in_one_line_and_nothing_changes(reviewing: _Reviewing) -> None:
    view = reviewing.panel.logic.findingView(reviewing.nodes)
    from AIDetectionLib.correction import segment_of

    reviewing.click("next")
    reviewing.nodes.lesions.GetSegmentation().GetSegment(segment_of(view, view.uids[0])).SetLabelValue(99)
    reviewing.click("measure")
    (said,) = reviewing.host.messages.texts("error")
    assert said == "The outline of this finding is empty. Draw it, or reject the finding."
    assert reviewing.state(1) == "unreviewed"


def test_findings_that_came_while_another_module_was_open_are_listed_on_return(setting: PanelSetting) -> None:
    run = setting.start_and_hold()
    setting.panel.exit()
    setting.finish(run)
    setting.panel.enter()
    assert setting.panel.ui.findingsSelector.currentNode() is run.nodes.points
    assert setting.panel.ui.countsLabel.text == "No findings: nothing was found."
    assert not setting.panel.ui.nextButton.enabled and not setting.panel.ui.acceptShownButton.enabled
