"""Growth charts, targets and sign-off in the panel of AI Follow-up."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from follow_up_panel import THREE_VISITS, choose_rows, rows_of_list
from follow_up_result import GONE, NEW, STABLE, column_of, number_of
from panel_setting import PanelSetting

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

MODULE = THREE_VISITS


def test_growth_chart_shows_the_chosen_lesions_and_all_when_one_is_chosen(setting: PanelSetting) -> None:
    import slicer

    run = setting.run()
    slicer.modules.plots.logic().SetMRMLApplicationLogic(slicer.app.applicationLogic())
    chart = next(node for node in run.nodes.plots if node.IsA("vtkMRMLPlotChartNode"))

    def shown() -> list[str]:
        count = chart.GetNumberOfPlotSeriesNodes()
        return sorted(chart.GetNthPlotSeriesNode(index).GetYColumnName() for index in range(count))

    everything = shown()
    stable, gone = (number_of(setting, uid) for uid in (STABLE, GONE))
    assert everything == sorted(f"Lesion {number}" for number in (1, stable, gone))
    choose_rows(setting, 1, stable)
    setting.panel.click("chartButton")
    assert shown() == sorted(["Lesion 1", f"Lesion {stable}"])
    choose_rows(setting, 1)
    setting.panel.click("chartButton")
    assert shown() == everything


def test_sum_of_diameters_follows_the_targets_that_a_person_chooses(setting: PanelSetting) -> None:
    import slicer

    run = setting.run()
    slicer.modules.plots.logic().SetMRMLApplicationLogic(slicer.app.applicationLogic())
    table = run.nodes.change_table
    setting.panel.click("sumChartButton")
    chart = table.GetNodeReference("AIImaging.SumChart")
    assert slicer.app.applicationLogic().GetSelectionNode().GetActivePlotChartID() == chart.GetID()
    sums = table.GetNodeReference("AIImaging.SumTable")
    # The rule takes the lesion of 11 mm, and not that of 8 mm.
    assert column_of(sums, "Sum of diameters") == pytest.approx([11.0, 14.0, 17.0])
    stable = number_of(setting, STABLE)
    choose_rows(setting, stable)
    setting.panel.choose("roleComboBox", "target")
    assert column_of(sums, "Sum of diameters") == pytest.approx([19.0, 22.0, 25.0])
    assert column_of(sums, "Change from baseline") == pytest.approx(
        [float("nan"), 100 * 3 / 19, 100 * 6 / 19], nan_ok=True
    )
    roles = dict(zip(rows_of_list(setting), (setting.panel.ui.lesionTable.item(row, 7).text() for row in range(4))))
    assert roles[1] == "T" and roles[stable] == "T"
    choose_rows(setting, 1)
    setting.panel.choose("roleComboBox", "non-target")
    assert column_of(sums, "Sum of diameters") == pytest.approx([8.0, 8.0, 8.0]) and setting.errors == []


def test_lesion_that_was_not_seen_at_baseline_is_no_target(setting: PanelSetting) -> None:
    setting.run()
    choose_rows(setting, number_of(setting, NEW))
    setting.panel.choose("roleComboBox", "target")
    assert "is not there at baseline" in setting.status


def test_signed_off_table_says_who_and_when_and_its_files_are_written(setting: PanelSetting, tmp_path: Path) -> None:
    run = setting.run()
    setting.panel.choose("outputFolderPathLineEdit", str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    setting.panel.choose("reviewerLineEdit", "A. Reader")
    setting.panel.click("signOffButton")
    assert "Reviewed by A. Reader" in setting.panel.ui.signOffLabel.text
    signed = json.loads(run.nodes.change_table.GetAttribute("AIImaging.SignedOff"))
    assert signed["who"] == "A. Reader" and signed["when"].startswith("20")
    setting.host.process_events(until=lambda: "The files are in" in setting.status, timeout=60)
    (folder,) = (tmp_path / "out").iterdir()
    assert {"changes.csv", "report.html", "result.json"} <= {path.name for path in folder.iterdir()}
    content = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert content["notes"][0].startswith("Reviewed by A. Reader")
    assert content["provenance"]["parameters"]["signed_off_at"] == signed["when"]
    with (folder / "changes.csv").open(encoding="utf-8") as file:
        assert len({row["lesion"] for row in csv.DictReader(file)}) == 4
    assert "A. Reader" in (folder / "report.html").read_text(encoding="utf-8")


def test_correction_after_the_signature_takes_it_away(setting: PanelSetting) -> None:
    run = setting.run()
    setting.panel.click("signOffButton")
    assert setting.panel.ui.signOffLabel.text.startswith("Reviewed, ")
    choose_rows(setting, 1)
    assert "<b>Lesion 1</b>" in setting.panel.ui.lesionLabel.text
    setting.panel.click("signOffButton")
    assert "<b>Lesion 1</b>" in setting.panel.ui.lesionLabel.text
    setting.panel.click("notLesionButton")
    assert run.nodes.change_table.GetAttribute("AIImaging.SignedOff") is None
    assert setting.panel.ui.signOffLabel.text == ""
