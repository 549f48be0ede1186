"""Lungs of a CT: agreement with an expert's mask, sides of the patient, borders, grids, and images without lungs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.models.builtin.ct_lungs import CTLungs
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segmentation

INFO = ImageInfo("CT", "HU", (1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), "")


def segmented(image: sitk.Image) -> Segmentation:
    return CTLungs(model_card("ct-lungs")).segment(image, INFO, Progress())


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2.0 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.fixture(scope="module")
def chest(shared_data: Path) -> sitk.Image:
    """A whole chest on a grid of 3.2 mm."""
    return sitk.BinShrink(sitk.ReadImage(str(shared_data / "chest_ct/lidc0314_ct_whole_1p6mm.nii.gz")), [2, 2, 2])


@pytest.fixture(scope="module")
def lungs(chest: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(segmented(chest).image)


def test_right_lung_agrees_with_the_experts_mask_when_it_stands_alone_in_a_crop(shared_data: Path) -> None:
    image = sitk.ReadImage(str(shared_data / "chest_ct/3DCT_lung.mha"))
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(shared_data / "chest_ct/3DCT_lung_baseline_mask.mha"))) > 0
    result = segmented(image)
    assert [segment.concept.key for segment in result.segments] == ["lung-right", "trachea"]
    # The project's target; the mask was drawn on the other visit, so more cannot be asked.
    assert dice(sitk.GetArrayFromImage(result.image) == 1, mask) >= 0.975


def test_noise_of_60_hu_moves_no_lung(shared_data: Path) -> None:
    image = sitk.ReadImage(str(shared_data / "chest_ct/3DCT_lung.mha"))
    noise = np.random.default_rng(1).normal(0.0, 60.0, image.GetSize()[::-1])
    noisy = sitk.GetImageFromArray((sitk.GetArrayFromImage(image) + noise).astype(np.int16))
    noisy.CopyInformation(image)
    both = [sitk.GetArrayFromImage(segmented(one).image) == 1 for one in (image, noisy)]
    # Two per cent of the volume is half a voxel of this grid all around.
    assert dice(*both) >= 0.98


@pytest.mark.parametrize("order, flips", [((2, 0, 1), (True, False, True)), ((1, 2, 0), (False, True, False))])
def test_result_is_the_same_when_axes_are_permuted_and_flipped(
    chest: sitk.Image, lungs: np.ndarray, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    turned = sitk.Flip(sitk.PermuteAxes(chest, order), flips)
    result = segmented(turned).image
    assert result.GetSize() == turned.GetSize()
    assert np.allclose(result.GetDirection(), turned.GetDirection()) and result.GetOrigin() == turned.GetOrigin()
    back = sitk.GetArrayFromImage(sitk.Resample(result, chest, sitk.Transform(), sitk.sitkNearestNeighbor))
    for label in (1, 2, 3):
        # Resampling the border to and fro may round single voxels either way.
        assert dice(back == label, lungs == label) >= 0.99


def test_oblique_patient_keeps_sides(chest: sitk.Image, lungs: np.ndarray) -> None:
    angle = np.deg2rad(25.0)
    oblique = sitk.Image(chest)
    oblique.SetDirection([np.cos(angle), 0, np.sin(angle), 0, 1, 0, -np.sin(angle), 0, np.cos(angle)])
    result = sitk.GetArrayFromImage(segmented(oblique).image)
    for label in (1, 2):
        assert dice(result == label, lungs == label) >= 0.99


def test_right_is_the_patients_right_and_airways_are_no_lung(chest: sitk.Image, lungs: np.ndarray) -> None:
    x_mm = [
        chest.TransformContinuousIndexToPhysicalPoint(np.argwhere(lungs == label).mean(axis=0)[::-1].tolist())[0]
        for label in (1, 3, 2)
    ]
    assert x_mm == sorted(x_mm)


@pytest.mark.parametrize("half, key", [("low", "lung-right"), ("high", "lung-left")])
def test_lung_that_stands_alone_is_called_by_its_side(chest: sitk.Image, half: str, key: str) -> None:
    middle = chest.GetSize()[0] // 2
    crop = chest[: middle - 8] if half == "low" else chest[middle + 12 :]
    keys = {segment.concept.key for segment in segmented(crop).segments}
    assert key in keys and len(keys & {"lung-right", "lung-left"}) == 1


def test_nodule_on_the_pleura_stays_in_the_lung(chest: sitk.Image, lungs: np.ndarray) -> None:
    left = lungs == 2
    depth = ndimage.distance_transform_edt(left)
    border = np.argwhere((depth > 0) & (depth < 1.5))
    # The outermost voxel in the middle of the lung's height: on the ribs.
    height = np.abs(border[:, 0] - np.argwhere(left)[:, 0].mean()) < 3
    center = border[height][np.argmax(border[height][:, 2])]
    index = np.indices(left.shape).transpose(1, 2, 3, 0)
    nodule = np.linalg.norm((index - center) * 3.2, axis=-1) < 7.0
    voxels = sitk.GetArrayFromImage(chest)
    voxels[nodule] = 30
    planted = sitk.GetImageFromArray(voxels)
    planted.CopyInformation(chest)
    result = sitk.GetArrayFromImage(segmented(planted).image) == 2
    # The closing rounds the edge of a half-ball where it meets the wall: up to a fifth of it.
    assert result[nodule & left].mean() > 0.8
    assert dice(result, left) > 0.99


@pytest.mark.parametrize("name", ["abdomen_ct/example_ct.nii.gz", "pet_ct/STS_001_CT_image.nii.gz"])
def test_image_without_lungs_is_refused(shared_data: Path, name: str) -> None:
    with pytest.raises(WrongImageError, match="no lungs"):
        segmented(sitk.Cast(sitk.ReadImage(str(shared_data / name)), sitk.sitkInt16))
