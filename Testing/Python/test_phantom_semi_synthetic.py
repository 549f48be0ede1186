"""A follow-up made from a real CT: its truth against what the images show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.phantoms.real_lungs import rough_lungs
from AIImagingLogic.images.phantoms.semi_synthetic import SemiSyntheticPair, make_semi_synthetic_pair
from AIImagingLogic.records.errors import WrongImageError

NODULE_MM = (-57.43923954, 131.2325201, -520.3592267)
DIAMETER_MM = 15.48525426


@pytest.fixture(scope="module")
def pair(shared_data: Path) -> SemiSyntheticPair:
    whole = sitk.ReadImage(str(shared_data / "chest_ct" / "lidc0314_ct_rightlung_native.nii.gz"))
    # Every other voxel: the test is of the truth, not of the resolution.
    return make_semi_synthetic_pair(whole[::2, ::2, ::2], NODULE_MM, DIAMETER_MM, seed=3)


def _value(image: sitk.Image, point: np.ndarray) -> float:
    return float(image[image.TransformPhysicalPointToIndex([float(p) for p in point])])


def _smooth(image: sitk.Image) -> sitk.Image:
    return sitk.SmoothingRecursiveGaussian(sitk.Cast(image, sitk.sitkFloat32), 2.0)


def test_the_map_is_exact_both_ways_and_moves_the_lungs_far(pair: SemiSyntheticPair) -> None:
    points = pair.target_points_mm
    assert len(points) > 500
    np.testing.assert_allclose(pair.to_baseline(pair.to_followup(points)), points, atol=1e-6)
    moved = np.linalg.norm(pair.to_followup(points) - points, axis=1)
    assert 12 < moved.max() < 40
    assert np.ptp(moved) > 8


def test_the_map_says_where_the_tissue_went(pair: SemiSyntheticPair) -> None:
    before, after = _smooth(pair.baseline), _smooth(pair.followup)
    points = pair.target_points_mm
    here = np.array([_value(before, point) for point in points])
    there = np.array([_value(after, point) for point in pair.to_followup(points)])
    elsewhere = np.array([_value(after, point) for point in points if _inside(after, point)])
    assert np.corrcoef(here, there)[0, 1] > 0.75
    assert abs(np.corrcoef(here[: len(elsewhere)], elsewhere)[0, 1]) < 0.5
    # Lungs are made 20 HU darker; the median of many smoothed voxels holds its noise below 2 HU.
    assert np.median(there - here) == pytest.approx(-20, abs=6)


def test_the_real_nodule_lies_and_grows_as_stated(pair: SemiSyntheticPair) -> None:
    assert 1.2 < pair.growth_factor < 2.6
    volumes = []
    for image, center in ((pair.baseline, pair.nodule_baseline_mm), (pair.followup, pair.nodule_followup_mm)):
        assert _value(_smooth(image), np.array(center)) > -300
        voxels = sitk.GetArrayFromImage(_smooth(image))
        cells = np.stack(np.meshgrid(*(np.arange(n) for n in image.GetSize()), indexing="ij"), -1)
        points = np.array(image.GetOrigin()) + cells * image.GetSpacing()
        near = np.linalg.norm(points - np.array(center), axis=-1) < 11.5
        volumes.append((voxels.transpose(2, 1, 0)[near] > -400).sum() * np.prod(image.GetSpacing()))
    # A plain threshold on smoothed voxels of 1.6 mm, with the vessels at the nodule, is good to a quarter.
    assert volumes[1] / volumes[0] == pytest.approx(pair.growth_factor, rel=0.25)


def test_one_implant_is_gone_and_one_is_new(pair: SemiSyntheticPair) -> None:
    before, after = _smooth(pair.baseline), _smooth(pair.followup)
    gone, new = np.array(pair.gone.center_mm), np.array(pair.new.center_mm)
    assert _value(before, gone) > _value(after, pair.to_followup(gone)) + 200
    assert _value(after, new) > _value(before, pair.to_baseline(new)) + 200


def test_the_followup_has_other_slices_and_its_own_noise(pair: SemiSyntheticPair) -> None:
    assert pair.baseline.GetSpacing()[2] != pair.followup.GetSpacing()[2]
    before, after = (image - sitk.Cast(_smooth(image), sitk.sitkInt16) for image in (pair.baseline, pair.followup))
    smooth = _smooth(pair.baseline)
    low = np.array(smooth.GetOrigin())
    high = low + np.array(smooth.GetSpacing()) * smooth.GetSize()
    points = np.random.default_rng(0).uniform(low + 25, high - 25, (20000, 3))
    muscle = [p for p in points if 20 < _value(smooth, p) < 80 and _inside(pair.followup, pair.to_followup(p))]
    assert len(muscle) > 2000
    noise = np.array([[_value(before, p), _value(after, pair.to_followup(p))] for p in muscle])
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.35
    # The noise asked for, less what the slices' own smoothing takes, plus the texture of tissue.
    assert noise.std(0).min() > 18


def test_an_image_without_lungs_is_refused() -> None:
    image = sitk.Image(30, 30, 30, sitk.sitkInt16) + 40
    with pytest.raises(WrongImageError, match="no lung"):
        rough_lungs(image)


def _inside(image: sitk.Image, point: np.ndarray) -> bool:
    index = image.TransformPhysicalPointToIndex([float(p) for p in point])
    return all(0 <= i < n for i, n in zip(index, image.GetSize()))
