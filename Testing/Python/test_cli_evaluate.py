"""`aiimaging evaluate detection`: figures worked by hand, every miss and false mark in place, bad files named."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from AIImagingLogic.cli import main

_LESIONS = """seriesuid,coordX,coordY,coordZ,diameter_mm,type
a,10,-20,30,10,solid
a,50,60,-70,5,ground-glass
b,0,0,0,8,solid
"""
_EXCLUDED = """seriesuid,coordX,coordY,coordZ,diameter_mm
c,5,5,5,12
"""
_MARKS = """seriesuid,coordX,coordY,coordZ,probability
a,11,-20,30,0.9
a,90,90,90,0.8
b,100,0,0,0.7
b,1,1,1,0.6
c,6,5,5,0.95
c,-40,0,0,0.5
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    texts = {"lesions": _LESIONS, "excluded": _EXCLUDED, "marks": _MARKS, "scans": "seriesuid\na\nb\nc\nd\n"}
    paths = {name: tmp_path / f"{name}.csv" for name in texts}
    for name, path in paths.items():
        path.write_text(texts[name], encoding="utf-8")
    return paths


def evaluate(files: dict[str, Path], out: Path, *more: str) -> int:
    command = ["evaluate", "detection", str(files["marks"]), str(files["lesions"]), "--scans", str(files["scans"])]
    return main([*command, "--excluded", str(files["excluded"]), "--resamples", "50", "-o", str(out), *more])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_metric_is_that_of_the_rule(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(files, tmp_path / "out", "--json") == 0
    result = json.loads(capsys.readouterr().out)["result"]
    # Over four scans: .9 finds one of three; .8 and .7 are false (.25, .5 a scan); .6 finds the second; .5 is false.
    assert result["sensitivity"] == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert result["competition_metric"] == pytest.approx((2 / 3 + 5 * 2 / 3) / 7)
    assert result["excluded"] == 1
    groups = {row["group"]: row for row in rows(tmp_path / "out" / "groups.csv")}
    assert groups["4 to 6 mm"]["lesions"] == "1"
    assert float(groups["4 to 6 mm"]["cpm"]) == 0.0
    # The second solid lesion is found from half a false positive a scan on.
    assert float(groups["solid"]["cpm"]) == pytest.approx((2 * 0.5 + 5) / 7)
    sensitivity = rows(tmp_path / "out" / "sensitivity.csv")
    assert [float(row["sensitivity"]) for row in sensitivity] == pytest.approx(result["sensitivity"])


def test_each_miss_and_false_mark_opens_in_slicer_where_it_is(files: dict[str, Path], tmp_path: Path) -> None:
    assert evaluate(files, tmp_path / "out") == 0
    assert {path.name for path in (tmp_path / "out" / "markups").iterdir()} == {
        f"{scan}.mrk.json" for scan in ("a", "b", "c")
    }
    from AIImagingLogic.records.errors import SceneError
    from AIImagingLogic.scene.empty_scene import make_scene
    from AIImagingLogic.scene.host import load_slicer

    try:
        scene = make_scene()
    except SceneError as error:
        pytest.skip(str(error))
    slicer = load_slicer()
    storage = slicer.vtkMRMLMarkupsJsonStorageNode()
    scene.AddNode(storage)
    path = tmp_path / "out" / "markups" / "a.mrk.json"
    storage.SetFileName(str(path))
    missed = storage.AddNewMarkupsNodeFromFile(str(path))
    assert missed is not None
    place = [0.0, 0.0, 0.0]
    missed.GetNthControlPointPositionWorld(0, place)
    # LPS (50, 60, -70) in Slicer's RAS.
    assert place == pytest.approx([-50.0, -60.0, -70.0])
    assert missed.GetNthControlPointLabel(0) == "Missed"
    assert "ground-glass" in missed.GetNthControlPointDescription(0)
    lists = json.loads(path.read_text(encoding="utf-8"))["markups"]
    assert [[point["position"] for point in each["controlPoints"]] for each in lists] == [
        [[50.0, 60.0, -70.0]],
        [[90.0, 90.0, 90.0]],
    ]


def test_the_curve_is_drawn_and_a_native_plot(files: dict[str, Path], tmp_path: Path) -> None:
    assert evaluate(files, tmp_path / "out") == 0
    assert (tmp_path / "out" / "froc.png").read_bytes().startswith(b"\x89PNG")
    from AIImagingLogic.records.errors import SceneError
    from AIImagingLogic.scene.empty_scene import make_scene

    try:
        scene = make_scene()
    except SceneError as error:
        pytest.skip(str(error))
    scene.ReadFromMRB(str(tmp_path / "out" / "froc.mrb"))
    series = scene.GetFirstNodeByClass("vtkMRMLPlotSeriesNode")
    table = series.GetTableNode().GetTable()
    rates = table.GetColumnByName("False positives per scan")
    values = table.GetColumnByName("Sensitivity")
    drawn = [(rates.GetValue(row), values.GetValue(row)) for row in range(rates.GetNumberOfValues())]
    expected = [(0, 0), (0, 1 / 3), (0.25, 1 / 3), (0.5, 1 / 3), (0.5, 2 / 3), (0.75, 2 / 3)]
    assert [point for pair in drawn for point in pair] == pytest.approx([point for pair in expected for point in pair])
    assert scene.GetFirstNodeByClass("vtkMRMLPlotChartNode").GetNthPlotSeriesNode(0) is series


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("marks", "seriesuid,coordX,coordY,coordZ\na,1,2,3\n", "no column probability"),
        ("marks", _MARKS + "a,1,2,here,0.4\n", "line 8: 'here' is no coordZ"),
        ("marks", _MARKS + "a,1,2,3,nan\n", "line 8: 'nan' is no probability"),
        ("marks", _MARKS + "x,1,2,3,0.4\n", "such as 'x'"),
        ("lesions", "seriesuid,coordX,coordY,coordZ,diameter_mm\n", "There is no lesion"),
        ("scans", "a\nb\na\n", "'a' twice"),
        ("scans", "\n", "names no scan"),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_written(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, said: str
) -> None:
    files[name].write_text(text, encoding="utf-8")
    assert evaluate(files, tmp_path / "out") != 0
    shown = " ".join(capsys.readouterr().err.split())
    assert said in shown
    assert not (tmp_path / "out").exists()


def test_marks_beyond_the_limit_are_dropped_and_said(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(files, tmp_path / "out", "--most-marks", "1", "--json") == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert "3 marks beyond the best 1 of their scan were dropped." in result["notes"]
    assert [lesion["score"] for lesion in result["lesions"]] == [0.9, None, None]
