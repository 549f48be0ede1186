"""CSV tables: units in the header, values that read back, no formulas."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest
from hand_made_timeline import hand_made_timeline

from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.measured_segments import MeasuredSegment, MeasuredSegments
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.segmentation import Segment
from AIImagingLogic.report.csv_tables import write_changes_csv, write_findings_csv, write_measured_segments_csv


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_findings_have_a_row_each_with_units_in_the_header_and_empty_cells_for_what_was_not_measured(tmp_path):
    visit = hand_made_timeline().visits[0]
    write_findings_csv(visit, tmp_path / "findings.csv")
    rows = _rows(tmp_path / "findings.csv")
    assert [row["uid"] for row in rows] == [finding.uid for finding in visit.findings]
    third = rows[2]
    assert float(third["volume_mm3"]) == 700 and float(third["volume_high95_mm3"]) == 840
    assert float(third["mean_density_HU"]) == -612
    assert third["attenuation"] == "ground-glass" and third["solid_volume_mm3"] == ""
    assert (third["centre_left_mm"], third["centre_posterior_mm"], third["centre_superior_mm"]) == (
        "40",
        "-20.5",
        "-120.25",
    )


def test_a_lesion_measurement_has_its_column_also_where_it_was_not_made(tmp_path):
    visit = hand_made_timeline().visits[1]
    bare = tuple(dataclasses.replace(finding, measurements=()) for finding in visit.findings)
    write_findings_csv(dataclasses.replace(visit, findings=bare), tmp_path / "findings.csv")
    for row in _rows(tmp_path / "findings.csv"):
        for column in ("volume_mm3", "mean_diameter_mm", "mean_density_HU", "mass_mg", "solid_mean_diameter_mm"):
            assert row[column] == ""


def test_changes_have_a_row_a_lesion_with_both_visits_change_interval_and_category(tmp_path):
    write_changes_csv(hand_made_timeline(), tmp_path / "changes.csv")
    rows = _rows(tmp_path / "changes.csv")
    assert [row["status"] for row in rows] == ["matched"] * 3 + ["new", "resolved", "not evaluable"]
    growing, stable, shrinking, new = rows[:4]
    assert float(growing["baseline_volume_mm3"]) == 278 and float(growing["followup_volume_mm3"]) == 735
    assert float(growing["volume_change_mm3"]) == 457
    assert float(growing["volume_change_percent"]) == pytest.approx(164.4, abs=0.05)
    assert growing["interval_days"] == "180" and growing["lung_rads_v2022"] == "4B"
    assert (growing["volume_change_beyond_error"], stable["volume_change_beyond_error"]) == ("yes", "no")
    assert (shrinking["doubling_time_low95_days"], shrinking["doubling_time_high95_days"]) == ("", "-120")
    assert new["baseline_volume_mm3"] == "" and float(new["followup_volume_mm3"]) == 172


def test_a_text_that_begins_like_a_formula_is_text_and_a_negative_number_stays_a_number(tmp_path):
    write_changes_csv(hand_made_timeline(), tmp_path / "changes.csv")
    row = _rows(tmp_path / "changes.csv")[2]
    assert row["reason"] == "'=Linked <i>by hand</i>"
    assert float(row["volume_change_mm3"]) == -318


def test_lines_end_as_rfc_4180_says_and_quotes_hold_separators(tmp_path):
    right = concept("lung-right")
    segment = Segment(1, 'Right, "upper"\nlobe', right, right.colour)
    measured = MeasuredSegments(
        (MeasuredSegment(segment, (measurement("mean_density", -850.25),)),), hand_made_timeline().provenance
    )
    write_measured_segments_csv(measured, tmp_path / "segments.csv")
    content = (tmp_path / "segments.csv").read_bytes()
    assert content.startswith(b"segment,label,type,mean_density_HU\r\n") and content.endswith(b",-850.25\r\n")
    assert _rows(tmp_path / "segments.csv")[0]["segment"] == 'Right, "upper"\nlobe'


def test_a_visit_without_findings_gives_a_header_alone(tmp_path):
    visit = dataclasses.replace(hand_made_timeline().visits[0], findings=())
    write_findings_csv(visit, tmp_path / "findings.csv")
    assert (tmp_path / "findings.csv").read_text().count("\n") == 1
