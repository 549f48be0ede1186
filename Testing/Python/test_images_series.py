"""Series listed for choosing: all that is there, what is wrong with each, and nothing of who the patient is."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.series import list_series
from AIImagingLogic.images.write import write_image
from AIImagingLogic.records.errors import GeometryError, OutputError, UnreadableImageError

ACQUIRED = datetime(2025, 3, 4, 10, 30, 15)


def volume(slices: int = 6) -> sitk.Image:
    image = sitk.GetImageFromArray(np.zeros((slices, 8, 9), dtype=np.int16))
    image.SetSpacing((0.8, 0.9, 2.0))
    return image


def test_every_series_volume_file_and_other_file_is_accounted_for(tmp_path: Path) -> None:
    write_ct_series(volume(), tmp_path / "a", acquired=ACQUIRED, description="Thorax", series_uid="1.2.1")
    write_ct_series(volume(4), tmp_path / "a", acquired=ACQUIRED, description="Short", series_uid="1.2.2")
    (tmp_path / "a" / "slice_0006.dcm").rename(tmp_path / "moved.dcm")
    write_image(volume(5), tmp_path / "b.nii.gz")
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4 ...")
    (tmp_path / "broken.dcm").write_bytes(bytes(128) + b"DICM" + b"\x02\x00")
    found = {entry.uid or entry.description: entry for entry in list_series(tmp_path)}
    assert set(found) == {"1.2.1", "1.2.2", "b.nii.gz", "files that are no image volume"}
    assert (found["1.2.2"].size, found["1.2.2"].spacing_mm) == ((9, 8, 4), pytest.approx((0.8, 0.9, 2.0)))
    assert (found["1.2.2"].acquired, found["1.2.2"].problems) == (ACQUIRED, ())
    assert found["1.2.2"].description == "Short, STANDARD"
    assert found["b.nii.gz"].size == (9, 8, 5)
    assert found["files that are no image volume"].files == 2
    assert "1 x a PDF document." in found["files that are no image volume"].problems


def test_a_series_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    write_ct_series(volume(), tmp_path, acquired=ACQUIRED, description="Thorax")
    (tmp_path / "slice_0003.dcm").unlink()
    (entry,) = list_series(tmp_path)
    assert not entry.readable
    assert entry.files == 5
    assert "1 slice is missing" in entry.problems[0]


def test_listing_names_no_patient(tmp_path: Path) -> None:
    write_ct_series(
        volume(),
        tmp_path / "Rumpelstilz",
        acquired=ACQUIRED,
        description="Rumpelstilz thorax",
        patient_name="Rumpelstilz^Anna",
        patient_id="4711-0815",
    )
    told = json.dumps([entry.to_json() for entry in list_series(tmp_path)]).casefold()
    assert "thorax" in told
    assert not any(word in told for word in ("rumpelstilz", "anna", "4711"))


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="does not exist"):
        list_series(tmp_path / "nowhere")
    with pytest.raises(UnreadableImageError, match="is empty"):
        list_series(tmp_path)


def test_written_series_holds_what_a_ct_image_must_hold(tmp_path: Path) -> None:
    paths = write_ct_series(
        volume() - 1000,
        tmp_path / "ct",
        acquired=ACQUIRED,
        description="Thorax",
        study_uid="1.2.3",
        frame_of_reference_uid="1.2.4",
    )
    slices = [pydicom.dcmread(path) for path in paths]
    first = slices[0]
    assert len({data.SOPInstanceUID for data in slices}) == len(slices) == 6
    assert (first.StudyInstanceUID, first.FrameOfReferenceUID) == ("1.2.3", "1.2.4")
    assert first.SOPClassUID == first.file_meta.MediaStorageSOPClassUID == pydicom.uid.CTImageStorage
    np.testing.assert_array_equal(first.pixel_array * first.RescaleSlope + first.RescaleIntercept, -1000)
    # What PS3.3 A.3 makes mandatory: type 1 with a value, type 2 at least present.
    for keyword in ("PatientName", "PatientBirthDate", "StudyID", "AccessionNumber", "KVP", "AcquisitionNumber"):
        assert keyword in first
    for keyword in ("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "SliceThickness", "ImageType"):
        assert first[keyword].value
    assert all(len(str(value)) <= 16 for value in first.ImagePositionPatient)


def test_what_no_ct_series_can_hold_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="do not fit"):
        write_ct_series(volume() - 2000, tmp_path / "ct", acquired=ACQUIRED, description="")
    sheared = volume()
    sheared.SetDirection((1, 0.2, 0, 0, 1, 0, 0, 0, 1))
    with pytest.raises(GeometryError, match="right angles"):
        write_ct_series(sheared, tmp_path / "ct", acquired=ACQUIRED, description="")
    with pytest.raises(OutputError, match="no extension"):
        write_image(volume(), tmp_path / "image.jpg")
    with pytest.raises(OutputError):
        write_image(volume(), tmp_path / "no such folder" / "image.nrrd")
    assert not list(tmp_path.rglob("*.*"))
