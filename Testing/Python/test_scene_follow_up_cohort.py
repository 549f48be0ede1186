"""A cohort's responses as plots of the scene: heights, colours, order, what is left out; a saved scene keeps them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from saved_patients import response, save, save_text

from AIImagingLogic.cohort.patient_response import CohortResponses
from AIImagingLogic.cohort.responses import read_responses
from AIImagingLogic.records.errors import SceneError

pytest.importorskip("slicer")

from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.follow_up_cohort import add_cohort_plots  # noqa: E402
from AIImagingLogic.scene.save import load_scene, save_scene  # noqa: E402


@pytest.fixture
def cohort(tmp_path: Path) -> CohortResponses:
    """PR, then PD by a new lesion; CR; PD at once, with +200%; one that cannot be read."""
    save(tmp_path, "north", response([50, 30, 20], new_at=2))
    save(tmp_path, "east", response([40, 0]))
    save(tmp_path, "south", response([20, 60, 10]))
    save_text(tmp_path, "west", "response.json", "{")
    return read_responses(tmp_path)


@pytest.fixture
def scene() -> Any:
    return make_scene()


def _column(table: Any, name: str) -> list[Any]:
    column = table.GetTable().GetColumnByName(name)
    return [column.GetValue(row) for row in range(column.GetNumberOfValues())]


def _series(chart: Any) -> dict[str, Any]:
    nodes = [chart.GetNthPlotSeriesNode(index) for index in range(chart.GetNumberOfPlotSeriesNodes())]
    return {node.GetName(): node for node in nodes}


def _drawn(series: Any) -> list[tuple[float, float]]:
    """Return the points of a series that are numbers."""
    table = series.GetTableNode()
    pairs = zip(_column(table, series.GetXColumnName()), _column(table, series.GetYColumnName()), strict=True)
    return [(x, y) for x, y in pairs if not math.isnan(x)]


def test_waterfall_has_a_bar_a_patient_the_largest_rise_first_in_the_colour_of_the_best_response(
    cohort: CohortResponses, scene: Any
) -> None:
    nodes = add_cohort_plots(cohort, scene)
    series = _series(nodes.waterfall)
    assert list(series) == ["PD", "PR", "CR", "-30%", "+20%"]
    bars = {name: [point for point in _drawn(series[name]) if not math.isnan(point[1])] for name in ("PD", "PR", "CR")}
    # A rise of 200% is cut at 100%; what comes after progression is no best change.
    assert bars == {"PD": [(1, 0), (1, 100)], "PR": [(2, 0), (2, -60)], "CR": [(3, 0), (3, -100)]}
    assert _drawn(series["-30%"]) == [(0.5, -30), (3.5, -30)]
    red, green, _blue = series["CR"].GetColor()
    assert green > red and series["PD"].GetColor()[0] > series["PD"].GetColor()[1]
    assert series["PR"].GetLineWidth() > 10 and series["PR"].GetMarkerStyle() == series["PR"].MarkerStyleNone
    labels = _column(series["PR"].GetTableNode(), series["PR"].GetLabelColumnName())
    assert set(labels) == {"north", ""}
    assert "3 patients" in nodes.waterfall.GetTitle() and "RECIST 1.1" in nodes.waterfall.GetTitle()


def test_spider_has_a_line_a_patient_from_the_baseline_on(cohort: CohortResponses, scene: Any) -> None:
    series = _series(add_cohort_plots(cohort, scene).spider)
    assert set(series) == {"PR", "CR", "PD", "-30%", "+20%"}
    assert _drawn(series["PR"]) == [(0, 0), (56, -40), (112, -60)]
    assert _drawn(series["CR"]) == [(0, 0), (56, -100)]
    assert series["+20%"].GetLineStyle() == series["+20%"].LineStyleDash


def test_lines_of_patients_with_one_response_are_not_joined(scene: Any, tmp_path: Path) -> None:
    for name, sizes in (("a", [50, 30]), ("b", [60, 30, 20])):
        save(tmp_path, name, response(sizes))
    series = _series(add_cohort_plots(read_responses(tmp_path), scene).spider)["PR"]
    table = series.GetTableNode()
    days = _column(table, series.GetXColumnName())
    assert [math.isnan(day) for day in days] == [False, False, True, False, False, False, True]
    labels = _column(table, series.GetLabelColumnName())
    assert labels[:2] == ["a", "a"] and labels[3:6] == ["b", "b", "b"]


def test_table_holds_every_patient_and_the_notes_name_those_left_out(cohort: CohortResponses, scene: Any) -> None:
    nodes = add_cohort_plots(cohort, scene)
    assert _column(nodes.table, "Patient") == ["south", "north", "east"]
    assert _column(nodes.table, "Best change") == [200, -60, -100]
    assert _column(nodes.table, "Best response") == ["PD", "PR", "CR"]
    assert len(nodes.notes) == 1 and nodes.notes[0].startswith("west was left out: response.json is damaged")


def test_cohort_without_a_patient_that_can_be_read_adds_nothing(tmp_path: Path, scene: Any) -> None:
    save_text(tmp_path, "west", "response.json", "{")
    before = scene.GetNumberOfNodes()
    with pytest.raises(SceneError, match="west: response.json is damaged"):
        add_cohort_plots(read_responses(tmp_path), scene)
    assert scene.GetNumberOfNodes() == before


def test_saved_scene_keeps_the_plots(cohort: CohortResponses, scene: Any, tmp_path: Path) -> None:
    made = add_cohort_plots(cohort, scene)
    save_scene(scene, tmp_path / "cohort.mrb")
    loaded = load_scene(tmp_path / "cohort.mrb")
    chart = loaded.GetFirstNodeByName(made.waterfall.GetName())
    assert {name: _drawn(series) for name, series in _series(chart).items()}["CR"][:2] == [(3, 0), (3, -100)]
