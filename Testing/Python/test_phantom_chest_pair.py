"""The chest pair: what its truth says is what its images show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.phantoms.blurred_tubes import blurred
from AIImagingLogic.images.phantoms.breathing import BreathingField
from AIImagingLogic.images.phantoms.chest_pair import ChestPair, demo_recipe, make_chest_pair
from AIImagingLogic.images.phantoms.recipe import PairRecipe, ScanRecipe
from AIImagingLogic.images.phantoms.scanner_noise import scanner_noise
from AIImagingLogic.images.phantoms.truth_sheet import write_truth_sheet
from AIImagingLogic.images.phantoms.tubes import Tubes

PARENCHYMA_HU = -862.0


def _recipe() -> PairRecipe:
    recipe = demo_recipe().coarser(1.5, 2.0)
    return replace(
        recipe,
        baseline=replace(recipe.baseline, noise_hu=8.0),
        followup=replace(recipe.followup, noise_hu=8.0),
        vessel_tips=120,
    )


@pytest.fixture(scope="module")
def pair() -> ChestPair:
    return make_chest_pair(_recipe())


def _mean_near(image: sitk.Image, center_mm: tuple[float, float, float], radius_mm: float) -> float:
    voxels, distance = _around(image, center_mm, radius_mm)
    return float(voxels[distance <= radius_mm].mean())


def _around(
    image: sitk.Image, center_mm: tuple[float, float, float], radius_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Voxels of a box around a point, and their distance from it."""
    center = image.TransformPhysicalPointToIndex([float(c) for c in center_mm])
    reach = [int(np.ceil(radius_mm / s)) + 1 for s in image.GetSpacing()]
    low = [max(c - r, 0) for c, r in zip(center, reach)]
    high = [min(c + r + 1, n) for c, r, n in zip(center, reach, image.GetSize())]
    cells = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high)), indexing="ij"), -1)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    points = np.array(image.GetOrigin()) + (cells * image.GetSpacing()) @ direction.T
    i, j, k = (slice(a, b) for a, b in zip(low, high))
    voxels = sitk.GetArrayViewFromImage(image)[k, j, i].transpose(2, 1, 0).astype(float)
    return voxels, np.linalg.norm(points - np.asarray(center_mm), axis=-1)


def test_every_lesion_shows_at_its_stated_place_and_density(pair: ChestPair) -> None:
    for lesion, kind in zip(pair.lesions, pair.recipe.nodules):
        wanted = kind.core_hu if kind.core_share else kind.density_hu
        for image, size in ((pair.baseline, lesion.baseline), (pair.followup, lesion.followup)):
            if size is None or kind.contact == "pleura":
                continue
            if kind.core_share:
                assert _mean_near(image, size.center_mm, 2.0) > -350
            else:
                # Within 1.6 mm of the centre of a 6.5 mm nodule the blur and 2 mm slices let in some lung.
                assert _mean_near(image, size.center_mm, 1.6) == pytest.approx(wanted, abs=0.15 * abs(wanted + 900))


def test_a_new_lesion_is_absent_before_and_a_gone_one_after(pair: ChestPair) -> None:
    new = next(lesion for lesion in pair.lesions if lesion.course == "new")
    gone = next(lesion for lesion in pair.lesions if lesion.course == "gone")
    assert new.baseline is None and new.followup is not None
    assert gone.followup is None and gone.baseline is not None
    assert _mean_near(pair.baseline, tuple(pair.to_baseline(new.followup.center_mm)), 3.0) < -750
    assert _mean_near(pair.baseline, gone.baseline.center_mm, 1.6) > -250


def test_free_nodules_add_the_mass_that_their_stated_volume_says(pair: ChestPair) -> None:
    lesion, kind = pair.lesions[0], pair.recipe.nodules[0]
    for image, size in ((pair.baseline, lesion.baseline), (pair.followup, lesion.followup)):
        assert size is not None
        voxels, radius = _around(image, size.center_mm, 11.0)
        around = np.median(voxels[(radius > 8.5) & (radius < 11)])
        excess = (voxels - around)[radius < 8.5].sum() * np.prod(image.GetSpacing())
        # The texture of the lung (16 HU over 2600 mm3) and vessels at the rim leave about 8% of this nodule's mass.
        assert excess / (kind.density_hu - around) == pytest.approx(size.volume_mm3, rel=0.15)


def test_volumes_change_by_the_recipes_factor(pair: ChestPair) -> None:
    for lesion, kind in zip(pair.lesions, pair.recipe.nodules):
        if lesion.baseline is not None and lesion.followup is not None:
            ratio = lesion.followup.volume_mm3 / lesion.baseline.volume_mm3
            assert ratio == pytest.approx(kind.volume_factor, rel=0.01)


def test_matched_lesions_move_as_the_field_says(pair: ChestPair) -> None:
    for lesion in pair.lesions:
        if lesion.baseline is not None and lesion.followup is not None:
            there = pair.to_followup(lesion.baseline.center_mm)
            # Their shape is not bent along, so a centre of mass off the shape's own centre may differ a little.
            assert np.linalg.norm(there - lesion.followup.center_mm) < 0.6


def test_lungs_are_labelled_by_side_and_hold_the_lesions(pair: ChestPair) -> None:
    for lesion in pair.lesions:
        for lungs, size in ((pair.baseline_lungs, lesion.baseline), (pair.followup_lungs, lesion.followup)):
            if size is not None:
                index = lungs.TransformPhysicalPointToIndex(size.center_mm)
                assert lungs[index] == (1 if lesion.side == "right" else 2)
    volume_l = sitk.GetArrayViewFromImage(pair.baseline_lungs).astype(bool).sum()
    volume_l *= np.prod(pair.baseline_lungs.GetSpacing()) / 1e6
    assert 2.5 < volume_l < 6


def test_the_same_recipe_gives_the_same_voxels() -> None:
    recipe = replace(_recipe().coarser(4.0, 6.0), nodules=_recipe().nodules[:2])
    first, second = make_chest_pair(recipe), make_chest_pair(recipe)
    assert np.array_equal(sitk.GetArrayViewFromImage(first.followup), sitk.GetArrayViewFromImage(second.followup))
    assert first.lesions == second.lesions


def test_an_oblique_flipped_grid_shows_the_same_chest(pair: ChestPair) -> None:
    turn = np.deg2rad(12)
    axes = np.array([[-np.cos(turn), np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, -1]])
    scan = ScanRecipe(2.0, 3.0, 8.0, direction=tuple(axes.ravel()))
    turned = make_chest_pair(replace(_recipe(), baseline=scan, followup=replace(scan, slice_mm=6.0, in_plane_mm=4.0)))
    for lesion, other in zip(pair.lesions, turned.lesions):
        if lesion.baseline is not None and other.baseline is not None:
            np.testing.assert_allclose(lesion.baseline.center_mm, other.baseline.center_mm, atol=0.15)
            assert lesion.baseline.volume_mm3 == pytest.approx(other.baseline.volume_mm3, rel=0.03)
            size, image = other.baseline, turned.baseline
            assert _mean_near(image, size.center_mm, 2.0) > -750
    labels = {turned.baseline_lungs[turned.baseline_lungs.TransformPhysicalPointToIndex(p)] for p in ((-70, 10, 20),)}
    assert labels == {1}


def test_a_blurred_tube_is_what_blurring_a_sampled_one_gives() -> None:
    radius, sigma, step = 1.2, 0.65, 0.1
    axis = np.arange(-6, 6 + step / 2, step)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    disc = np.clip(0.5 - (np.hypot(x, y) - radius) / step, 0, 1)
    kernel = np.exp(-0.5 * (axis / sigma) ** 2)
    kernel /= kernel.sum()
    smooth = np.apply_along_axis(
        np.convolve, 0, np.apply_along_axis(np.convolve, 1, disc, kernel, "same"), kernel, "same"
    )
    tube = Tubes(np.array([[0.0, 0, -20]]), np.array([[0.0, 0, 20]]), np.array([radius]), np.array([-1]))
    drawn = np.zeros((1, len(axis), len(axis)), np.float32)
    shown = blurred(tube, tube.radius_mm, np.eye(3), np.zeros(3), sigma)
    shown.draw(drawn, axis.astype(np.float32), axis.astype(np.float32), np.zeros(1, np.float32))
    # The profile is tabulated at 96 distances: a step of 0.035 mm on a slope of at most 0.4 a mm.
    np.testing.assert_allclose(drawn[0], smooth, atol=0.02)


def test_noise_has_the_stated_spread_and_is_correlated_in_the_plane() -> None:
    noise = scanner_noise((30, 120, 120), np.array([0.8, 0.8, 2.0]), 25.0, np.random.default_rng(0))
    assert noise.std() == pytest.approx(25, rel=0.02)
    assert abs(noise.mean()) < 0.5
    beside = np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]
    between = np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1]
    assert beside > 0.3 > abs(between)


def test_deeper_inspiration_darkens_the_lungs() -> None:
    recipe = replace(_recipe().coarser(4.0, 6.0), breathing=BreathingField(24.0, 5.0), nodules=())
    pair = make_chest_pair(recipe)
    before = _mean_near(pair.baseline, (-80.0, 10.0, 10.0), 12.0)
    after = _mean_near(pair.followup, (-80.0, 10.0, 10.0), 12.0)
    assert after < before - 10


def test_the_truth_sheet_is_a_picture(pair: ChestPair, tmp_path: Path) -> None:
    write_truth_sheet(pair, tmp_path / "truth.png")
    picture = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "truth.png")))
    assert min(picture.shape[:2]) > 400
    assert picture.std() > 30
