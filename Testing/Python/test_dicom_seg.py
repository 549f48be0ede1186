"""DICOM segmentations: written for others to read, and read from others."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

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

from AIImagingLogic.dicom.coded_mask import masks_of_segmentation
from AIImagingLogic.dicom.seg_reading import read_seg
from AIImagingLogic.dicom.seg_writing import write_seg
from AIImagingLogic.dicom.source_series import read_source
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.write import write_image
from AIImagingLogic.records.errors import GeometryError, UnreadableImageError, WrongImageError


@pytest.fixture(params=[False, True], ids=["right-handed", "left-handed"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[sitk.Image, Path]:
    """The grid that was segmented, and the SEG of two overlapping lesions on it."""
    image = ct_image(flipped=request.param)
    source = read_source(ct_series(image, tmp_path / "series"))
    write_seg(overlapping_masks(image), image, source, tmp_path / "seg.dcm")
    return image, tmp_path / "seg.dcm"


def test_overlapping_segments_come_back_with_place_codes_and_tracking(written: tuple[sitk.Image, Path]) -> None:
    image, path = written
    read = read_seg(path)
    for before, after in zip(overlapping_masks(image), read.masks, strict=True):
        assert points_of(after.mask) == points_of(before.mask)
        assert (after.name, after.concept, after.colour) == (before.name, before.concept, before.colour)
        assert (after.tracking_id, after.tracking_uid) == (before.tracking_id, before.tracking_uid)
        assert (after.algorithm, after.algorithm_version) == (before.algorithm, before.algorithm_version)
    assert len(read.segmentations(image)) == 2
    assert read.segmentations(image)[0].image.GetSize() == image.GetSize()


def test_frames_lie_where_their_slices_do_and_refer_to_them(written: tuple[sitk.Image, Path]) -> None:
    image, path = written
    data = pydicom.dcmread(path)
    positions = {
        tuple(round(100 * value) for value in image.TransformIndexToPhysicalPoint((0, 0, k)))
        for k in range(image.GetSize()[2])
    }
    series = {
        str(header.SOPInstanceUID): header
        for header in (pydicom.dcmread(file) for file in (path.parent / "series").iterdir())
    }
    for frame in data.PerFrameFunctionalGroupsSequence:
        place = frame.PlanePositionSequence[0].ImagePositionPatient
        assert tuple(round(100 * value) for value in place) in positions
        referred = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert np.allclose(series[referred].ImagePositionPatient, place, atol=1e-3)
    assert data.PatientID == "SOMEBODY"
    assert [str(item.TrackingUID) for item in data.SegmentSequence] == list(TRACKING)


def test_segmentation_with_gaps_in_its_labels_comes_back_as_one_layer(tmp_path: Path) -> None:
    image = ct_image()
    source = read_source(ct_series(image, tmp_path / "series"))
    first, second = overlapping_masks(image)
    write_seg([first], image, source, tmp_path / "one.dcm")
    (label_image,) = read_seg(tmp_path / "one.dcm").segmentations(image)
    assert points_of(label_image.image) == points_of(first.mask)
    (again,) = masks_of_segmentation(label_image)
    assert points_of(again.mask) == points_of(first.mask)
    assert second.tracking_uid != again.tracking_uid


def test_dciodvfy_finds_no_error(written: tuple[sitk.Image, Path]) -> None:
    assert_dciodvfy_finds_no_error(written[1])


def test_dcmqi_reads_the_same_voxels(written: tuple[sitk.Image, Path], tmp_path: Path) -> None:
    image, path = written
    command = [dcmqi_tool("segimage2itkimage"), "--inputDICOM", str(path), "--outputDirectory", str(tmp_path)]
    subprocess.run([*command, "-t", "nrrd"], check=True, capture_output=True)
    for number, mask in enumerate(overlapping_masks(image), start=1):
        assert points_of(sitk.ReadImage(str(tmp_path / f"{number}.nrrd"))) == points_of(mask.mask)


def test_source_that_is_no_dicom_is_refused_with_advice(tmp_path: Path) -> None:
    write_image(ct_image(), tmp_path / "ct.nrrd")
    with pytest.raises(UnreadableImageError, match="name the DICOM series"):
        read_source(tmp_path / "ct.nrrd")


def test_mask_off_the_grid_is_refused(tmp_path: Path) -> None:
    image = ct_image()
    source = read_source(ct_series(image, tmp_path / "series"))
    (mask, _) = overlapping_masks(image)
    mask.mask.SetOrigin([value + 0.3 for value in mask.mask.GetOrigin()])
    with pytest.raises(GeometryError, match="does not lie on the grid"):
        write_seg([mask], image, source, tmp_path / "seg.dcm")


def test_image_is_not_read_as_segmentation(tmp_path: Path) -> None:
    folder = ct_series(ct_image(), tmp_path / "series")
    with pytest.raises(WrongImageError, match="no DICOM segmentation"):
        read_seg(folder / "slice_0001.dcm")


def test_segmentation_of_another_program_lies_on_its_ct(shared_data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_data / "abdomen_ct/dcmqi_ct_3slice_dicom.zip") as archive:
        archive.extractall(tmp_path)
    image, _ = read_image(tmp_path)
    (liver,) = read_seg(shared_data / "abdomen_ct/dcmqi_liver_seg.dcm").segmentations(image)
    expected = sitk.ReadImage(str(shared_data / "abdomen_ct/dcmqi_liver_seg.nrrd"))
    assert liver.segments[0].concept.type.meaning == "Liver"
    found = sitk.Resample(expected, image, sitk.Transform(), sitk.sitkNearestNeighbor)
    assert np.array_equal(sitk.GetArrayViewFromImage(liver.image) > 0, sitk.GetArrayViewFromImage(found) > 0)


def test_overlapping_segmentation_of_another_program_keeps_every_segment(shared_data: Path) -> None:
    read = read_seg(shared_data / "abdomen_ct/dcmqi_partial_overlaps_seg.dcm")
    voxels = sum(int(np.count_nonzero(sitk.GetArrayViewFromImage(entry.mask))) for entry in read.masks)
    in_layers = sum(int(np.count_nonzero(sitk.GetArrayViewFromImage(s.image))) for s in read.segmentations())
    assert len(read.masks) == 5
    assert len(read.segmentations()) > 1
    assert in_layers == voxels
