"""Lesions of another program's report on the image of a visit: its SEG is found, its grid need not be the image's."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_sources import ct_image, ct_series, overlapping_masks, points_of

from AIImagingLogic.dicom.report_lesions import lesions_of_report
from AIImagingLogic.dicom.seg_writing import write_seg
from AIImagingLogic.dicom.source_series import read_source
from AIImagingLogic.dicom.sr_writing import Observation, write_sr
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.resample import resample_like
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import Code
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import Measurement, measurement


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A study as an archive exports it, a folder a series: image, SEG, SR."""
    image = ct_image()
    source = read_source(ct_series(image, tmp_path / "image"))
    masks = overlapping_masks(image)
    made = (measurement("long_axis", 12.5), Measurement("Sphericity", 0.25, "1", Code("QCFX", "IBSI", "Sphericity")))
    box = OrientedBox((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    observations = tuple(
        Observation(
            Finding(f"1.2.3.{number}", mask.name, box, 1.0, mask.concept, mask.mask, made),
            mask.tracking_id,
            mask.tracking_uid,
            number,
        )
        for number, mask in enumerate(masks, start=1)
    )
    for name in ("seg", "sr"):
        (tmp_path / name).mkdir()
    seg = write_seg(masks, image, source, tmp_path / "seg" / "1.dcm")
    write_sr(observations, source, tmp_path / "sr" / "1.dcm", seg=seg)
    return tmp_path


def test_outlines_lie_on_the_image_and_measurements_without_a_name_here_are_told(export: Path) -> None:
    image = ct_image()
    found, notes = lesions_of_report(export / "sr" / "1.dcm", image, describe(image, "CT", "HU"))
    for entry, mask in zip(found, overlapping_masks(image), strict=True):
        assert entry.mask is not None and points_of(entry.mask) == points_of(mask.mask)
        assert [made.name for made in entry.measurements] == ["long_axis"]
    assert any("left out: Sphericity" in note for note in notes)
    assert not any("another series" in note for note in notes)


def test_outlines_are_resampled_to_an_image_with_other_voxels_and_another_series_is_told(export: Path) -> None:
    image = ct_image()
    fine = sitk.Expand(image, [2, 2, 2], sitk.sitkLinear)
    found, notes = lesions_of_report(export / "sr" / "1.dcm", fine, describe(fine, "CT", "HU", series_uid="1.9"))
    for entry, mask in zip(found, overlapping_masks(image), strict=True):
        assert entry.mask is not None
        voxels = int(sitk.GetArrayViewFromImage(entry.mask).sum())
        assert voxels == pytest.approx(8 * int((sitk.GetArrayViewFromImage(mask.mask) > 0).sum()), rel=0.05)
        whole = resample_like(entry.mask, fine, interpolation="nearest", outside=0)
        assert np.array_equal(
            sitk.GetArrayViewFromImage(whole),
            sitk.GetArrayViewFromImage(
                resample_like(sitk.Cast(mask.mask != 0, sitk.sitkUInt8), fine, interpolation="nearest", outside=0)
            ),
        )
    assert any("were resampled" in note for note in notes) and any("another series" in note for note in notes)


def test_report_without_its_outlines_or_of_another_place_is_refused_with_the_reason(export: Path) -> None:
    image = ct_image()
    away = sitk.Image(image)
    away.SetOrigin((900.0, 0.0, 0.0))
    with pytest.raises(WrongImageError, match="lie outside the image"):
        lesions_of_report(export / "sr" / "1.dcm", away, describe(away, "CT", "HU"))
    shutil.rmtree(export / "seg")
    with pytest.raises(WrongImageError, match="keep its SEG file in the same folder"):
        lesions_of_report(export / "sr" / "1.dcm", image, describe(image, "CT", "HU"))
