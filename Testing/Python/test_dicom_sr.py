"""Structured reports: written for others to read, and read from others."""

from __future__ import annotations

import json
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_sources import (
    TRACKING,
    assert_dciodvfy_finds_no_error,
    ct_image,
    ct_series,
    dcmqi_tool,
    overlapping_masks,
    points_of,
)

from AIImagingLogic.dicom.report_findings import findings_of_report
from AIImagingLogic.dicom.seg_reading import read_seg
from AIImagingLogic.dicom.seg_writing import write_seg
from AIImagingLogic.dicom.source_series import read_source
from AIImagingLogic.dicom.sr_reading import read_sr
from AIImagingLogic.dicom.sr_writing import Observation, TimePoint, write_sr
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import Code
from AIImagingLogic.records.errors import OutputError, WrongImageError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.measurement import Measurement, measurement
from AIImagingLogic.records.resources import load_resource

# A volume in mL is an organ's; a lesion's is in mm3.
NAMES = [name for name in load_resource("measurements.json")["measurements"] if name != "organ_volume"]


@dataclass(frozen=True)
class Written:
    """A report, its SEG, and what went into it."""

    image: sitk.Image
    observations: tuple[Observation, ...]
    sr: Path
    seg: Path


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """A report of two lesions with every measurement that the table knows, and one that it does not."""
    image = ct_image()
    source = read_source(ct_series(image, tmp_path / "series"))
    masks = overlapping_masks(image)
    made = (
        *(measurement(name, 1 / 3 + 7 * n, (0.1, 1.5 + 8 * n)) for n, name in enumerate(NAMES)),
        Measurement("Sphericity", 0.25, "1", Code("QCFX", "IBSI", "Sphericity")),
    )
    observations = tuple(
        Observation(
            Finding(
                f"1.2.3.{number}",
                mask.name,
                OrientedBox((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
                0.8,
                mask.concept,
                mask.mask,
                made,
                {"side": "left", "attenuation": "part-solid", "contact": "pleura and vessel"},
                ReviewStatus.ACCEPTED,
            ),
            mask.tracking_id,
            mask.tracking_uid,
            number,
        )
        for number, mask in enumerate(masks, start=1)
    )
    seg = write_seg(masks, image, source, tmp_path / "seg.dcm")
    write_sr(observations, source, tmp_path / "sr.dcm", seg=seg, time_point=TimePoint("follow-up", 1, 92.0))
    return Written(image, observations, tmp_path / "sr.dcm", tmp_path / "seg.dcm")


def test_findings_come_back_with_measurements_outline_and_tracking(written: Written) -> None:
    findings, notes = findings_of_report(read_sr(written.sr), [read_seg(written.seg)])
    assert len(notes) == 1
    assert "Sphericity" in notes[0]
    for before, after in zip(written.observations, findings, strict=True):
        assert (after.uid, after.name) == (before.tracking_uid, before.tracking_id)
        assert (after.score, after.review) == (0.8, ReviewStatus.ACCEPTED)
        assert after.descriptors == before.finding.descriptors
        assert after.concept == before.finding.concept
        assert after.mask is not None
        assert before.finding.mask is not None
        assert points_of(after.mask) == points_of(before.finding.mask)
        for made, read in zip(before.finding.measurements, after.measurements, strict=True):
            assert (read.name, read.unit, read.code) == (made.name, made.unit, made.code)
            assert read.value == pytest.approx(made.value, rel=1e-12)
            assert (read.interval_95 is None) == (made.interval_95 is None)
            if made.interval_95:
                # Decimal strings have 16 characters.
                assert read.interval_95 == pytest.approx(made.interval_95, rel=1e-9)


def test_box_of_a_finding_surrounds_its_voxels(written: Written) -> None:
    findings, _ = findings_of_report(read_sr(written.sr), [read_seg(written.seg)])
    for finding in findings:
        assert finding.mask is not None
        points = np.array(sorted(points_of(finding.mask))) / 100
        inside = np.abs((points - finding.box.center_mm) @ np.array(finding.box.axes).T)
        assert np.all(inside <= np.array(finding.box.size_mm) / 2)
        assert np.allclose(np.cross(*finding.box.axes[:2]), finding.box.axes[2], atol=1e-6)


def test_groups_without_their_segmentation_are_named_as_without_a_place(written: Written) -> None:
    findings, notes = findings_of_report(read_sr(written.sr))
    assert findings == ()
    assert "2 groups have no place (Lesion 1, Lesion 2)" in notes[-1]


def test_highdicom_finds_each_lesion_by_its_tracking_uid(written: Written) -> None:
    report = hd.sr.srread(written.sr).content
    seg_uid = pydicom.dcmread(written.seg, stop_before_pixels=True).SOPInstanceUID
    for number, uid in enumerate(TRACKING, start=1):
        (group,) = report.get_volumetric_roi_measurement_groups(tracking_uid=uid)
        assert group.referenced_segment.referenced_sop_instance_uid == seg_uid
        assert int(group.referenced_segment.referenced_segment_numbers[0]) == number
        assert [site.value.meaning for site in group.finding_sites] == (["Lung"] if number == 1 else [])
        (volume,) = group.get_measurements(name=hd.sr.CodedConcept("118565006", "SCT", "Volume"))
        assert (volume.unit.value, volume.unit.scheme_designator) == ("mm3", "UCUM")


def test_dciodvfy_finds_no_error(written: Written) -> None:
    assert_dciodvfy_finds_no_error(written.sr)


def test_dcmqi_reads_the_same_numbers(written: Written, tmp_path: Path) -> None:
    told = tmp_path / "read.json"
    command = [dcmqi_tool("tid1500reader"), "--inputDICOM", str(written.sr), "--outputMetadata", str(told)]
    subprocess.run(command, check=True, capture_output=True)
    groups = json.loads(told.read_text())["Measurements"]
    for group, observation in zip(groups, written.observations, strict=True):
        assert group["TrackingUniqueIdentifier"] == observation.tracking_uid
        assert group["ReferencedSegment"] == observation.segment
        values = [float(item["value"]) for item in group["measurementItems"]]
        made = [entry.value for entry in observation.finding.measurements]
        assert any(values[at : at + len(made)] == pytest.approx(made, rel=1e-9) for at in range(3))


def test_person_stands_in_the_report_only_when_named(written: Written, tmp_path: Path) -> None:
    source = read_source(tmp_path / "series")
    write_sr(written.observations, source, tmp_path / "read.dcm", person="Doe^Jane")
    assert "Doe^Jane" in str(pydicom.dcmread(tmp_path / "read.dcm"))
    assert "Person Observer" not in str(pydicom.dcmread(written.sr))
    with pytest.raises(OutputError, match="no finding"):
        write_sr((), source, tmp_path / "none.dcm")


def test_report_of_another_program_gives_its_tumour_and_keeps_unknown_codes(shared_data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_data / "dicom/dcmqi_sr_seg_rwv.zip") as archive:
        archive.extractall(tmp_path)
    (path,) = tmp_path.rglob("sr.dcm")
    (tumour,), notes = findings_of_report(read_sr(path), [read_seg(path.with_name("seg.dcm"))])
    assert tumour.uid == "2.25.318774060119084600392715520575818119084"
    assert tumour.value("suv_max") == pytest.approx(10.3814)
    assert tumour.value("volume") == pytest.approx(33582.4)
    assert tumour.value("SUVbw (Minimum)") == pytest.approx(2.91136)
    assert len(tumour.measurements) == 22
    assert tumour.mask is not None
    voxels = int(np.count_nonzero(sitk.GetArrayViewFromImage(tumour.mask)))
    assert voxels * float(np.prod(tumour.mask.GetSpacing())) == pytest.approx(33582.4, rel=1e-3)
    assert "keep their own names" in notes[0]


def test_regions_drawn_on_images_get_their_place_from_the_series(shared_data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_data / "dicom/highdicom_test_files.zip") as archive:
        archive.extractall(tmp_path)
    (path,) = tmp_path.rglob("sr_document_with_multiple_groups.dcm")
    report = read_sr(path)
    assert [group.tracking_id for group in report.groups] == [
        "Image0001",
        "LungNodule0001",
        "Aorta0001",
        "Vertebra0001",
    ]
    (vertebra,), _ = findings_of_report(report)
    assert vertebra.name == "Vertebra0001"
    assert vertebra.value("volume") == 200.0
    with pytest.raises(WrongImageError, match="no structured report"):
        read_sr(next(tmp_path.rglob("ct_image.dcm")))
