"""`aiimaging dicom`: a follow-up as DICOM objects of its visits, and back."""

from __future__ import annotations

import json
import warnings
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_sources import ct_image, ct_series, overlapping_masks, points_of

from AIImagingLogic.cli import main
from AIImagingLogic.dicom.coded_mask import layers
from AIImagingLogic.dicom.seg_reading import read_seg
from AIImagingLogic.dicom.seg_writing import write_seg
from AIImagingLogic.dicom.source_series import read_source
from AIImagingLogic.dicom.sr_writing import days_between
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.segmentation_file import read_segmentation, write_segmentation
from AIImagingLogic.images.write import write_image
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.json_form import load_record, save_record
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Timeline, Visit

BOX = OrientedBox((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
LESION_UIDS = ("1.2.826.0.1.3680043.8.498.21", "1.2.826.0.1.3680043.8.498.22")


@pytest.fixture
def followed(tmp_path: Path) -> Path:
    """A result folder of two visits: lesion 1 at both, lesion 2 new, one finding rejected; the series beside it."""
    visits = []
    for number, label in enumerate(("baseline", "follow-up")):
        image, info = read_image(ct_series(ct_image(), tmp_path / "series" / label))
        visits.append(Visit(label, info, None, _findings(image, number), make_provenance("detect", [], [info])))
    shift = sitk.TranslationTransform(3, (4.0, -3.0, 2.0))
    registration = Registration(shift, "rigid", RegistrationQuality("NCC", 0.5, 0.9, 0.0, None))
    lesions = (
        Lesion(1, (255, 0, 0), ("1.2.3.10", "1.2.3.11"), (None, None), LinkStatus.MATCHED, "", uid=LESION_UIDS[0]),
        Lesion(2, (0, 255, 0), (None, "1.2.3.21"), (None, None), LinkStatus.NEW, "", uid=LESION_UIDS[1]),
        Lesion(3, (0, 0, 255), (None, "1.2.3.31"), (None, None), LinkStatus.NEW, "", uid="1.2.3.4"),
    )
    infos = [visit.info for visit in visits]
    timeline = Timeline(tuple(visits), (registration,), lesions, (), make_provenance("follow_up", [], infos))
    save_record(timeline, tmp_path / "result.json")
    return tmp_path


def _findings(image: sitk.Image, visit: int) -> tuple[Finding, ...]:
    first, second = overlapping_masks(image)
    made = (measurement("volume", 100.0 + visit), measurement("mean_diameter", 5.5))
    seen = Finding(f"1.2.3.1{visit}", "Nodule 1", BOX, 0.9, first.concept, first.mask, made)
    if visit == 0:
        return (seen,)
    new = Finding("1.2.3.21", "Nodule 2", BOX, 0.8, first.concept, second.mask, made, review=ReviewStatus.EDITED)
    wrong = Finding("1.2.3.31", "Nodule 3", BOX, 0.7, first.concept, second.mask, made, review=ReviewStatus.REJECTED)
    return seen, new, wrong


def test_follow_up_becomes_a_pair_of_objects_a_visit_and_a_registration(followed: Path) -> None:
    out = followed / "out"
    assert main(["dicom", "write", str(followed), str(followed / "series"), "-o", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "objects.json",
        "visit1_lesions_seg.dcm",
        "visit1_lesions_sr.dcm",
        "visit1_to_2_registration.dcm",
        "visit2_lesions_seg.dcm",
        "visit2_lesions_sr.dcm",
    ]
    uids = [
        [str(item.TrackingUID) for item in pydicom.dcmread(out / f"visit{n}_lesions_seg.dcm").SegmentSequence]
        for n in (1, 2)
    ]
    assert uids == [[LESION_UIDS[0]], list(LESION_UIDS)]
    assert json.loads((out / "objects.json").read_text())["notes"] == ["1 rejected findings were left out."]
    second = pydicom.dcmread(out / "visit2_lesions_seg.dcm")
    assert [str(item.SegmentAlgorithmType) for item in second.SegmentSequence] == ["AUTOMATIC", "SEMIAUTOMATIC"]
    studies = [str(pydicom.dcmread(out / f"visit{n}_lesions_sr.dcm").StudyInstanceUID) for n in (1, 2)]
    assert studies == [visit.info.study_uid for visit in load_record(Timeline, followed / "result.json").visits]


def test_objects_are_read_back_as_findings_segmentations_and_a_transform(followed: Path) -> None:
    out, back = followed / "out", followed / "back"
    main(["dicom", "write", str(followed), str(followed / "series"), "-o", str(out), "-q"])
    names = ("visit2_lesions_seg.dcm", "visit2_lesions_sr.dcm", "visit1_to_2_registration.dcm")
    files = [str(out / name) for name in names]
    on = str(followed / "series/follow-up")
    assert main(["dicom", "read", *files, "--on", on, "-o", str(back), "-q"]) == 0
    visit = load_record(Visit, back / "visit2_lesions_sr.json")
    before = load_record(Timeline, followed / "result.json").visits[1]
    assert visit.label == "follow-up"
    assert visit.info == before.info
    assert [entry.uid for entry in visit.findings] == list(LESION_UIDS)
    for found, original in zip(visit.findings, before.findings):
        assert found.measurements == original.measurements
        assert found.review == original.review
        assert found.mask is not None
        assert original.mask is not None
        assert points_of(found.mask) == points_of(original.mask)
        assert found.mask.GetDirection() == original.mask.GetDirection()
    assert len(list(back.glob("visit2_lesions_seg*.seg.nrrd"))) == 2
    transform = sitk.ReadTransform(str(back / "visit1_to_2_registration.h5"))
    assert np.allclose(transform.TransformPoint((1.0, 2.0, 3.0)), (5.0, -1.0, 5.0))


def test_patients_name_reaches_the_objects_and_no_warning(tmp_path: Path) -> None:
    folder = ct_series(ct_image(), tmp_path / "series", patient_name="NOCARET")
    masks = overlapping_masks(ct_image())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seg = write_seg(masks, ct_image(), read_source(folder), tmp_path / "seg.dcm")
        read_seg(tmp_path / "seg.dcm")
    assert seg.PatientName == "NOCARET"


def test_segments_are_put_on_the_grid_of_a_left_handed_image(tmp_path: Path) -> None:
    folder = ct_series(ct_image(), tmp_path / "series")
    source = read_source(folder)
    first, _ = overlapping_masks(ct_image())
    write_seg([first], ct_image(), source, tmp_path / "seg.dcm")
    flipped = sitk.Flip(ct_image(), (False, True, True))
    (placed,) = read_seg(tmp_path / "seg.dcm").on_grid(flipped).masks
    assert placed.mask.GetDirection() == flipped.GetDirection()
    assert points_of(placed.mask) == points_of(first.mask)


def test_a_result_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dicom", "write", str(tmp_path / "none"), str(tmp_path), "-o", str(tmp_path / "out"), "-q"]) == 3
    said = capsys.readouterr().err
    assert "none' does not exist" in said.replace("\n", " ") and "Errno" not in said
    assert not (tmp_path / "out").exists()


def test_result_of_an_image_that_was_no_dicom_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(ct_image(), tmp_path / "ct.nrrd")
    image, info = read_image(tmp_path / "ct.nrrd")
    save_record(Visit("baseline", info, None, _findings(image, 0)), tmp_path / "result.json")
    assert main(["dicom", "write", str(tmp_path), str(tmp_path / "ct.nrrd"), "-o", str(tmp_path / "out")]) == 5
    assert "was not a DICOM series" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_segmentation_of_a_series_elsewhere_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ct_series(ct_image(), tmp_path / "series")
    (one, _) = layers(overlapping_masks(ct_image()), ct_image())
    one.image.SetOrigin([value + 400 for value in one.image.GetOrigin()])
    write_segmentation(one, tmp_path / "one.seg.nrrd")
    assert main(["dicom", "write", str(tmp_path / "one.seg.nrrd"), str(folder), "-o", str(tmp_path / "out")]) == 4
    assert "does not lie in the series" in capsys.readouterr().err


def test_segmentation_file_becomes_a_seg_and_is_measured_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ct_series(ct_image(), tmp_path / "series")
    (one, _) = layers(overlapping_masks(ct_image()), ct_image())
    write_segmentation(one, tmp_path / "one.seg.nrrd")
    assert main(["dicom", "write", str(tmp_path / "one.seg.nrrd"), str(folder), "-o", str(tmp_path / "out"), "-q"]) == 0
    assert main(["dicom", "read", str(tmp_path / "out"), "-o", str(tmp_path / "back"), "-q"]) == 0
    assert points_of(read_segmentation(tmp_path / "back/one_seg.seg.nrrd").image) == points_of(one.image)
    capsys.readouterr()
    assert main(["measure", str(folder), str(tmp_path / "out/one_seg.dcm"), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    volume = len(points_of(one.image)) * 0.7 * 0.9 * 2.5 / 1000
    assert measured["rows"][0]["measurements"][0]["value"] == pytest.approx(volume, rel=1e-3)


def test_report_of_another_program_is_read_with_its_segmentation(shared_data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_data / "dicom/dcmqi_sr_seg_rwv.zip") as archive:
        archive.extractall(tmp_path)
    (path,) = tmp_path.rglob("sr.dcm")
    files = [str(path), str(path.with_name("seg.dcm"))]
    assert main(["dicom", "read", *files, "-o", str(tmp_path / "out"), "-q"]) == 0
    (tumour,) = load_record(Visit, tmp_path / "out/sr.json").findings
    assert tumour.value("suv_max") == pytest.approx(10.3814)
    assert "primary tumor" in (tmp_path / "out/sr.csv").read_text(encoding="utf-8-sig")


def test_dates_give_the_days_between_visits() -> None:
    assert days_between(datetime(2025, 1, 1), datetime(2025, 1, 31)) == 30.0
    assert days_between(None, datetime(2025, 1, 31)) is None
