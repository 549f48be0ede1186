"""The XLSX workbook: sheets whose figures are numbers, the timeline's own."""

from __future__ import annotations

import dataclasses
import importlib
import math
from datetime import datetime
from pathlib import Path

import pytest
from hand_made_timeline import PATIENT_UID, hand_made_timeline
from many_visits_report import DAYS, FIRST, many_visits
from synthetic_timeline import two_visits
from test_report_languages import response_of

from AIImagingLogic.cli.follow_up_output import write_follow_up
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.report.workbook import write_workbook

openpyxl = pytest.importorskip("openpyxl")


def _rows(sheet) -> list[dict]:
    heading, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def _same(value):
    """What a file holds of a number: its first 16 digits."""
    return None if value is None else pytest.approx(value, rel=1e-14)


def _written(timeline, folder: Path, **more):
    write_workbook(timeline, folder / "report.xlsx", **more)
    return openpyxl.load_workbook(folder / "report.xlsx")


def test_every_lesion_at_every_visit_has_a_row_with_its_own_numbers(tmp_path):
    timeline = many_visits()
    book = _written(timeline, tmp_path)
    assert book.sheetnames == ["Visits", "Lesions by visit", "Changes", "Assessments", "Provenance"]
    rows = _rows(book["Lesions by visit"])
    assert len(rows) == len(timeline.lesions) * len(timeline.visits)
    expected = iter((lesion, index) for lesion in timeline.lesions for index in range(len(timeline.visits)))
    for row, (lesion, index) in zip(rows, expected, strict=True):
        finding = timeline.visits[index].finding(lesion.observations[index])
        assert row["Lesion"] == lesion.number and row["Lesion UID"] == lesion.uid
        if finding is None:
            assert row["Volume (mm³)"] is None and row["Mean diameter (mm)"] is None
            continue
        volume = finding.measurement("volume")
        assert row["Volume (mm³)"] == _same(volume.value)
        assert row["Volume (mm³), 95% low"] == _same(volume.interval_95[0])
        assert row["Mean diameter (mm)"] == _same(finding.value("mean_diameter"))
        assert row["Finding UID"] == finding.uid
    statuses = [row["Status"] for row in rows if row["Lesion"] == 8]
    assert statuses == [None, "matched", "matched", "matched", "resolved", "resolved"]


def test_dates_are_dates_and_numbers_are_numbers(tmp_path):
    visits = _rows(_written(many_visits(), tmp_path)["Visits"])
    assert visits[0]["Date"] == FIRST
    assert [row["Days from baseline (d)"] for row in visits] == list(DAYS)
    assert all(isinstance(row["Date"], datetime) for row in visits)


def test_changes_and_responses_are_those_of_the_timeline(tmp_path):
    timeline = many_visits()
    response = response_of(timeline)
    book = _written(timeline, tmp_path, response=response)
    changes = {(row["Lesion"], row["Measurement"]): row for row in _rows(book["Changes"])}
    for lesion in timeline.lesions:
        for change in lesion.changes:
            if change.name == "volume":
                row = changes[lesion.number, "Volume (mm³)"]
                assert (row["Before"], row["After"]) == (_same(change.before), _same(change.after))
                assert row["Change (%)"] == pytest.approx(change.percent)
                assert row["Doubling time (d)"] == _same(lesion.growth.doubling_time_days)
    assessments = _rows(book["Assessments"])
    assert assessments[0]["Category"] == timeline.assessments[0].category
    of_response = [row for row in assessments if row["Rules"] == "RECIST 1.1"]
    assert [row["Category"] for row in of_response] == [one.category for one in response.assessments]
    assert [row["Sum of diameters (mm)"] for row in of_response] == [
        _same(one.figures["sum_mm"]) for one in response.assessments
    ]


def test_headings_stay_in_sight_and_name_their_units(tmp_path):
    for sheet in _written(many_visits(), tmp_path):
        assert sheet.freeze_panes is not None and sheet.freeze_panes.endswith("2")
        assert sheet.print_title_rows == "$1:$1"
        heading = next(sheet.iter_rows(max_row=1, values_only=True))
        assert len(set(heading)) == len(heading)


def test_texts_are_never_formulas_and_infinite_limits_are_empty(tmp_path):
    book = _written(hand_made_timeline(), tmp_path)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert any(isinstance(cell.value, str) and "by hand" in cell.value for cell in cells)
    shrinking = next(row for row in _rows(book["Changes"]) if row["Growth"] == "shrinking")
    assert shrinking["Doubling time, 95% low (d)"] is None and shrinking["Doubling time, 95% high (d)"] == -120.0
    assert not any(isinstance(cell.value, float) and not math.isfinite(cell.value) for cell in cells)
    assert not any(PATIENT_UID in str(cell.value) for cell in cells)


def test_a_chinese_workbook_has_the_same_numbers(tmp_path):
    timeline = many_visits()
    english = _written(timeline, tmp_path, response=response_of(timeline))
    write_workbook(timeline, tmp_path / "zh.xlsx", "zh", response_of(timeline))
    chinese = openpyxl.load_workbook(tmp_path / "zh.xlsx")
    assert chinese.sheetnames[:2] == ["检查", "病灶与检查"]
    for ours, theirs in zip(english, chinese, strict=True):
        for before, after in zip(ours.iter_rows(min_row=2), theirs.iter_rows(min_row=2), strict=True):
            numbers = [[c.value for c in row if not isinstance(c.value, str)] for row in (before, after)]
            assert numbers[0] == numbers[1]
    assert "新发" in [row["状态"] for row in _rows(chinese["病灶与检查"])]


def test_a_timeline_without_lesions_is_still_a_workbook(tmp_path):
    timeline = dataclasses.replace(hand_made_timeline(), lesions=(), assessments=())
    book = _written(timeline, tmp_path)
    assert len(book.sheetnames) == 6 and len(_rows(book["Visits"])) == 2
    organs = _rows(book["Organs"])
    assert [round(row["Volume (ml)"], 2) for row in organs] == [48.0, 50.94, 32.0, 33.96]
    assert [row["Change (%)"] for row in organs][::2] == [None, None]
    assert [row["Change (%)"] for row in organs][1::2] == pytest.approx([6.1208, 6.1208])


def test_without_openpyxl_the_advice_says_what_to_install(tmp_path, monkeypatch):
    real = importlib.import_module

    def missing(name, *more):
        if name == "openpyxl":
            raise ModuleNotFoundError("No module named 'openpyxl'")
        return real(name, *more)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(OutputError, match=r"openpyxl.*aiimaging\[report\]"):
        write_workbook(many_visits(), tmp_path / "report.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_the_files_of_a_follow_up_hold_report_and_workbook_in_the_language_asked_for(tmp_path):
    timeline, images = two_visits()
    output = write_follow_up(timeline, images, tmp_path, False, False, Progress(), "zh", with_xlsx=True)
    assert {"report.html", "report.xlsx", "changes.csv"} <= set(output.files)
    assert "肺结节随访报告" in (tmp_path / "report.html").read_text("utf-8")
    assert openpyxl.load_workbook(tmp_path / "report.xlsx").sheetnames[0] == "检查"
