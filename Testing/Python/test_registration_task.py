"""The register task: what it checks, and what it says of how the result came to be."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk
from registration_phantom import AXES, scanned

from AIImagingLogic.images.info import describe
from AIImagingLogic.records.errors import ModelError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.tasks.register import SAME_IMAGE_NOTE, register_images


@pytest.fixture(scope="module")
def image() -> sitk.Image:
    return scanned(lambda points: points, AXES["straight"], (4.0, 4.0, 4.0))


@pytest.fixture(scope="module")
def info(image: sitk.Image) -> ImageInfo:
    return describe(image, modality="MR")


def test_modalities_that_differ_are_refused(image: sitk.Image, info: ImageInfo) -> None:
    with pytest.raises(WrongImageError, match="fixed image is CT and the moving image MR"):
        register_images(image, dataclasses.replace(info, modality="CT"), image, info)


def test_an_unknown_kind_names_the_known_ones(image: sitk.Image, info: ImageInfo) -> None:
    with pytest.raises(ModelError, match="rigid, affine, deformable"):
        register_images(image, info, image, info, kind="elastic")


def test_voxels_that_are_no_numbers_are_refused(image: sitk.Image, info: ImageInfo) -> None:
    values = sitk.GetArrayFromImage(image)
    values[3, 3, 3] = np.nan
    broken = sitk.GetImageFromArray(values)
    broken.CopyInformation(image)
    with pytest.raises(WrongImageError, match="not-a-number"):
        register_images(image, info, broken, info)


def test_the_same_image_twice_says_so(image: sitk.Image, info: ImageInfo) -> None:
    result = register_images(image, info, image, info, kind="rigid")
    assert result.provenance is not None
    assert SAME_IMAGE_NOTE in result.provenance.notes


def test_provenance_names_engine_inputs_and_cost(image: sitk.Image, info: ImageInfo) -> None:
    shifted = sitk.Image(image)
    shifted.SetOrigin([value + 12.0 for value in image.GetOrigin()])
    result = register_images(image, info, shifted, dataclasses.replace(info, content_hash="b"), kind="rigid")
    provenance = result.provenance
    assert provenance is not None
    assert provenance.models[0].model_id == "rigid"
    assert [entry.content_hash for entry in provenance.inputs] == [info.content_hash, "b"]
    assert provenance.parameters["registration"] == "rigid"
    assert provenance.stages[0].seconds > 0
    # A fiftieth of a voxel: the working grids of the two lie differently to the voxels.
    np.testing.assert_allclose(result.transform.TransformPoint((0.0, 0.0, 0.0)), [12.0] * 3, atol=0.08)
