"""Physical checks: Hounsfield units told by the voxels, finite values, volume, spacing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.checks import (
    looks_like_hounsfield,
    require_finite,
    require_hounsfield,
    require_sane_spacing,
    require_volume,
)
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.errors import GeometryError, WrongImageError

HOUNSFIELD = (
    "chest_ct/3DCT_lung.mha",
    "chest_ct/3DCT_lung_baseline_small.mha",
    "chest_ct/lidc0314_ct_whole_1p6mm.nii.gz",
    "chest_ct/lidc0314_ct_rightlung_native.nii.gz",
    "chest_ct/aorta_ct_cropped.nii.gz",
    "abdomen_ct/example_ct.nii.gz",
    "abdomen_ct/example_ct_sm.nii.gz",
    "pet_ct/STS_001_CT_image.nii.gz",
)
NOT_HOUNSFIELD = (
    "head_ct/CT_pitch.nii.gz",
    "head_ct/ct_brain_atlas_1mm.nii.gz",
    "pet_ct/STS_001_PET_image.nii.gz",
    "pet_ct/STS_001_MR_T1_image.nii.gz",
    "brain_mr/ms_p01_study1_FLAIR.nii.gz",
    "body_mr/sct_t2.nii.gz",
    "body_mr/breast1_image.nrrd",
    "abdomen_ct/example_seg.nii.gz",
)


def phantom(values: np.ndarray | None = None) -> sitk.Image:
    if values is None:
        values = np.full((20, 20, 20), -1000, dtype=np.int16)
        values[5:15, 5:15, 5:15] = 40
    return sitk.GetImageFromArray(values)


@pytest.mark.parametrize("name", HOUNSFIELD)
def test_real_ct_passes_as_hounsfield(shared_data: Path, name: str) -> None:
    image, info = read_image(shared_data / name)
    assert looks_like_hounsfield(image)
    require_hounsfield(image, info, "Lungs")


@pytest.mark.parametrize("name", NOT_HOUNSFIELD)
def test_real_images_of_other_kinds_do_not_pass_as_hounsfield(shared_data: Path, name: str) -> None:
    image, info = read_image(shared_data / name)
    assert not looks_like_hounsfield(image)
    with pytest.raises(WrongImageError, match="Lungs needs Hounsfield units, but its values run from"):
        require_hounsfield(image, info, "Lungs")


def test_padding_far_below_air_does_not_matter_but_values_all_over_do() -> None:
    image = phantom()
    values = sitk.GetArrayFromImage(image)
    values[:, :3, :] = -3024
    assert looks_like_hounsfield(phantom(values))
    spread = np.random.default_rng(0).normal(0, 3000, (20, 20, 20)).astype(np.int16)
    assert not looks_like_hounsfield(phantom(spread))


def test_stored_values_without_rescale_are_refused() -> None:
    with pytest.raises(WrongImageError, match="without any air near -1000"):
        require_hounsfield(phantom() + 1024, describe(phantom()), "Lungs")


def test_modality_and_unit_that_the_file_states_are_believed_first() -> None:
    image = phantom()
    with pytest.raises(WrongImageError, match="needs a CT image; this one is MR"):
        require_hounsfield(image, describe(image, modality="MR"), "Lungs")
    with pytest.raises(WrongImageError, match="this image is in mgml"):
        require_hounsfield(image, describe(image, modality="CT", intensity_unit="mgml"), "Lungs")
    require_hounsfield(image, describe(image, modality="CT", intensity_unit="HU"), "Lungs")


def test_not_a_number_is_counted_and_refused() -> None:
    values = np.zeros((5, 5, 5), dtype=np.float32)
    require_finite(phantom(values))
    values[1, 2, 3], values[0, 0, 0] = np.nan, np.inf
    with pytest.raises(WrongImageError, match="2 of 125 voxels"):
        require_finite(phantom(values))


def test_flat_images_and_few_slices_are_no_volume_along_any_axis() -> None:
    require_volume(phantom(), 5)
    with pytest.raises(GeometryError, match="3 x 20 x 20 voxels; at least 5 slices"):
        require_volume(phantom()[:3], 5)
    with pytest.raises(GeometryError, match="20 x 20 voxels"):
        require_volume(phantom()[:, :, 0], 5)


@pytest.mark.parametrize("spacing", [(0.001, 1, 1), (1, 1, 800)])
def test_spacing_of_no_scanner_is_refused(spacing: tuple[float, float, float]) -> None:
    image = phantom()
    require_sane_spacing(image)
    image.SetSpacing(spacing)
    with pytest.raises(GeometryError, match="makes no sense"):
        require_sane_spacing(image)
