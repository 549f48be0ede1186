"""Findings in a structured report: a box without an outline, and who said what and when."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_sources import assert_dciodvfy_finds_no_error, ct_image, ct_series, dcmqi_tool

from AIImagingLogic.dicom.box_region import box_of_ellipsoid, ellipsoid_points
from AIImagingLogic.dicom.report_findings import findings_of_report
from AIImagingLogic.dicom.source_series import SourceSeries, read_source
from AIImagingLogic.dicom.sr_reading import read_sr
from AIImagingLogic.dicom.sr_writing import Observation, write_sr
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_review import retyped
from AIImagingLogic.records.finding_type import NoduleType
from AIImagingLogic.records.measurement import measurement

WHEN = datetime(2026, 3, 2, 9, 30, 15, tzinfo=timezone(timedelta(hours=-5)))
# Coordinates of a region in space have single precision.
SINGLE_MM = 1e-4


def turned_box() -> OrientedBox:
    """Return a box whose axes are those of nothing else."""
    axes = np.array(sitk.VersorTransform((0.3, -0.1, 0.25), 0.9).GetMatrix()).reshape(3, 3)
    x, y, z = (tuple(row) for row in axes.tolist())
    return OrientedBox((-118.25, 61.5, -80.125), (4.5, 7.25, 3.0), (x, y, z))  # type: ignore[arg-type]


def finding(box: OrientedBox) -> Finding:
    made = (measurement("mean_diameter", 6.25, (5.5, 7.0)),)
    plain = Finding("2.25.99", "Nodule 1", box, 0.625, concept("lung-nodule"), None, made, {"side": "left"})
    said = dataclasses.replace(plain, review=ReviewStatus.ACCEPTED, found=WHEN)
    return retyped(said, NoduleType.PERIFISSURAL, "读者 é-7", WHEN)


def source(tmp_path: Path) -> SourceSeries:
    return read_source(ct_series(ct_image(flipped=True), tmp_path / "series"))


def test_a_box_without_an_outline_comes_back_with_its_axes_and_all_that_was_said(tmp_path: Path) -> None:
    before = finding(turned_box())
    path = tmp_path / "sr.dcm"
    series = source(tmp_path)
    for header in series.headers:
        header.PatientName = "Müller^Zoë"
    write_sr([Observation(before, before.name, before.uid)], series, path)
    assert str(pydicom.dcmread(path).PatientName) == "Müller^Zoë"
    assert_dciodvfy_finds_no_error(path)
    (after,), notes = findings_of_report(read_sr(path))
    assert notes == ()
    assert after.box.center_mm == pytest.approx(before.box.center_mm, abs=SINGLE_MM)
    assert after.box.size_mm == pytest.approx(before.box.size_mm, abs=SINGLE_MM)
    assert np.allclose(after.box.axes, before.box.axes, atol=SINGLE_MM)
    same = dataclasses.replace(after, box=before.box, history=before.history)
    assert same == before


def test_other_programs_read_the_region_and_the_measurement(tmp_path: Path) -> None:
    before = finding(turned_box())
    path = tmp_path / "sr.dcm"
    write_sr([Observation(before, before.name, before.uid)], source(tmp_path), path)
    (group,) = hd.sr.srread(path).content.get_volumetric_roi_measurement_groups()
    surface = group.roi
    assert surface.graphic_type is hd.sr.GraphicTypeValues3D.ELLIPSOID
    assert np.allclose(np.reshape(surface.graphic_data, (6, 3)), ellipsoid_points(before.box), atol=SINGLE_MM)
    assert str(group.tracking_uid) == before.uid
    told = tmp_path / "told.json"
    command = [dcmqi_tool("tid1500reader"), "--inputDICOM", str(path), "--outputMetadata", str(told)]
    subprocess.run(command, check=True, capture_output=True)
    (seen,) = json.loads(told.read_text(encoding="utf-8"))["Measurements"]
    assert seen["TrackingUniqueIdentifier"] == before.uid
    assert float(seen["measurementItems"][0]["value"]) == 6.25


def test_ellipsoid_keeps_centre_size_and_axes_of_a_box() -> None:
    box = turned_box()
    read = box_of_ellipsoid(ellipsoid_points(box))
    assert read.center_mm == pytest.approx(box.center_mm)
    assert read.size_mm == pytest.approx(box.size_mm)
    assert np.allclose(read.axes, box.axes)


def test_a_series_without_frame_of_reference_gives_no_place(tmp_path: Path) -> None:
    series = source(tmp_path)
    for header in series.headers:
        del header.FrameOfReferenceUID
    before = finding(turned_box())
    write_sr([Observation(before, before.name, before.uid)], series, tmp_path / "sr.dcm")
    findings, notes = findings_of_report(read_sr(tmp_path / "sr.dcm"))
    assert findings == ()
    assert "no place" in notes[0]


@pytest.mark.parametrize("reader", ["a\\b", "x" * 65, "two\nlines"])
def test_a_reader_that_dicom_has_no_room_for_is_refused_and_nothing_written(tmp_path: Path, reader: str) -> None:
    before = dataclasses.replace(finding(turned_box()), reader=reader)
    with pytest.raises(OutputError, match="cannot be written to DICOM"):
        write_sr([Observation(before, before.name, before.uid)], source(tmp_path), tmp_path / "sr.dcm")
    assert not (tmp_path / "sr.dcm").exists()
