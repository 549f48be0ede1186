"""Body of a CT: table off, lungs in, any grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.models.builtin.ct_body import CTBody
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress

INFO = ImageInfo("CT", "HU", (1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), "")


def body_of(image: sitk.Image) -> sitk.Image:
    return CTBody(model_card("ct-body")).segment(image, INFO, Progress()).image


def phantom() -> tuple[sitk.Image, np.ndarray]:
    """Return an elliptic body with two lungs over a curved table, and the truth."""
    z, y, x = np.indices((60, 120, 140)) * 3.0
    body = ((x - 210) / 150) ** 2 + ((y - 170) / 100) ** 2 < 1
    lung = (((x - 150) / 45) ** 2 + ((y - 170) / 60) ** 2 < 1) | (((x - 270) / 45) ** 2 + ((y - 170) / 60) ** 2 < 1)
    table = np.abs(y - (300 - ((x - 210) / 40) ** 2)) < 3.0
    hu = np.where(body, np.where(lung, -860.0, 20.0), np.where(table, 100.0, -1000.0))
    hu += np.random.default_rng(3).normal(0.0, 30.0, hu.shape)
    image = sitk.GetImageFromArray(hu.astype(np.int16))
    image.SetSpacing((3.0, 3.0, 3.0))
    image.SetDirection((0, -1, 0, 0, 0, -1, 1, 0, 0))
    return image, body


def test_body_is_found_without_its_table_whatever_the_axes() -> None:
    image, truth = phantom()
    result = body_of(image)
    assert result.GetDirection() == image.GetDirection() and result.GetSize() == image.GetSize()
    mask = sitk.GetArrayFromImage(result) == 1
    # One voxel more or less all around this ellipse is 2.5% of its volume.
    assert 2.0 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.975
    assert not mask[:, 108:].any()


def test_lungs_and_bones_are_inside_and_the_table_is_not(shared_data: Path) -> None:
    image = sitk.BinShrink(sitk.ReadImage(str(shared_data / "chest_ct/lidc0314_ct_whole_1p6mm.nii.gz")), [2, 2, 2])
    mask = sitk.GetArrayFromImage(body_of(image)) == 1
    hu = sitk.GetArrayFromImage(image)
    # Rows behind the back hold the table alone; the rows were read off the image.
    assert (hu[:, 112:] > -400).any() and not mask[:, 112:].any()
    assert mask[50, 60, 40] and mask[50, 60, 85]


def test_empty_image_is_refused() -> None:
    air = sitk.GetImageFromArray(np.full((20, 60, 60), -1000, dtype=np.int16))
    air.SetSpacing((4.0, 4.0, 4.0))
    with pytest.raises(WrongImageError, match="no body"):
        body_of(air)
