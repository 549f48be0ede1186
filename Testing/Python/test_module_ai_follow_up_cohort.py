"""The cohort section of the panel of AI Follow-up: a folder of saved results becomes plots of the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from follow_up_panel import TWO_VISITS
from panel_setting import PanelSetting, panel_setting
from saved_patients import response, save, save_text

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with panel_setting(TWO_VISITS, tmp_path, monkeypatch) as made:
        import slicer

        slicer.modules.plots.logic().SetMRMLApplicationLogic(slicer.app.applicationLogic())
        made.panel.ui.cohortCollapsibleButton.collapsed = False
        yield made


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    folder = tmp_path / "patients"
    save(folder, "Doe John", response([50, 30, 20], new_at=2))
    save(folder, "Roe Jane", response([40, 0]))
    save_text(folder, "Bad One", "response.json", "{")
    return folder


def _read(setting: PanelSetting, folder: Path | str) -> None:
    setting.panel.choose("cohortFolderPathLineEdit", str(folder))
    setting.panel.click("cohortReadButton")
    setting.host.process_events(until=lambda: bool(setting.panel.ui.cohortLabel.text), timeout=60)


def _shown() -> Any:
    import slicer

    return slicer.mrmlScene.GetNodeByID(slicer.app.applicationLogic().GetSelectionNode().GetActivePlotChartID())


def _patients(chart: Any, index: int) -> tuple[str, ...]:
    """Return whom the lines of a series are of."""
    series = chart.GetNthPlotSeriesNode(index)
    column = series.GetTableNode().GetTable().GetColumnByName(series.GetLabelColumnName())
    found = [column.GetValue(row) for row in range(column.GetNumberOfValues())]
    return tuple(sorted({name for name in found if name}))


def test_folder_becomes_a_waterfall_and_a_spider_plot_without_the_names_of_folders(
    setting: PanelSetting, patients: Path
) -> None:
    assert not setting.panel.ui.waterfallButton.enabled and not setting.panel.ui.spiderButton.enabled
    _read(setting, patients)
    assert setting.errors == []
    said = setting.panel.ui.cohortLabel.text
    assert said.startswith("2 patients read. P01 was left out: response.json is damaged")
    assert "Best change, RECIST 1.1, 2 patients" in _shown().GetTitle()
    setting.panel.click("spiderButton")
    assert {_patients(_shown(), index) for index in range(2)} == {("P02",), ("P03",)}
    # Coming back to the module, the plots are still on offer.
    setting.panel.exit()
    setting.panel.enter()
    setting.panel.click("waterfallButton")
    assert "Best change" in _shown().GetTitle()


def test_names_of_folders_are_shown_when_the_user_says_so(setting: PanelSetting, patients: Path) -> None:
    setting.panel.choose("anonymousCheckBox", False)
    _read(setting, patients)
    setting.panel.click("spiderButton")
    assert _patients(_shown(), 0) == ("Doe John",)


@pytest.mark.parametrize(("what", "told"), [("", "No folder is chosen"), ("nowhere", "no folder that can be read")])
def test_what_is_no_folder_of_patients_is_told_and_adds_nothing(setting: PanelSetting, what: str, told: str) -> None:
    before = setting.snapshot()
    _read(setting, what)
    assert told in setting.panel.ui.cohortLabel.text and len(setting.errors) == 1
    assert setting.snapshot() == before and not setting.panel.ui.waterfallButton.enabled


def test_closed_scene_takes_the_plots_off_the_panel(setting: PanelSetting, patients: Path) -> None:
    _read(setting, patients)
    setting.host.close_scene()
    assert not setting.panel.ui.waterfallButton.enabled
