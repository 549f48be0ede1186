"""A correcting click changes what is wrong around it and keeps what is right."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.info import describe
from AIImagingLogic.models.builtin.prompted_outline.click_place import click_place
from AIImagingLogic.models.builtin.prompted_outline.correction import Found
from AIImagingLogic.models.builtin.prompted_outline.finish import finished
from AIImagingLogic.models.builtin.prompted_outline.work_grid import work_grid
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.tasks.refine import open_refinement, refined
from Testing.Benchmarks.interactive_courses import our_answer
from Testing.Benchmarks.interactive_shapes import made_shape
from Testing.Benchmarks.interactive_user import dice_of, play

Mask = NDArray[np.bool_]


def _ellipsoid(size: tuple[int, int, int], middle: tuple[float, ...], radii: tuple[float, ...]) -> Mask:
    """k, j, i all through."""
    grids = np.ogrid[tuple(slice(0, n) for n in size)]
    away = sum(((grid - m) / r) ** 2 for grid, m, r in zip(grids, middle, radii, strict=True))
    return np.asarray(away < 1)


def _image(clean: NDArray[np.float64], noise: float, spacing: tuple[float, float, float]) -> sitk.Image:
    values = ndimage.gaussian_filter(clean, 0.6) + np.random.default_rng(11).normal(0, noise, clean.shape)
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing(spacing)
    return image


def _on_grid(mask: Mask, image: sitk.Image) -> sitk.Image:
    proposal = sitk.GetImageFromArray(mask.astype(np.uint8))
    proposal.CopyInformation(image)
    return proposal


@pytest.mark.parametrize("name", ["necrotic mass", "neighbours that touch", "curved tube", "speckled cyst"])
@pytest.mark.parametrize("box", [False, True])
def test_clicks_in_the_middle_of_the_error_hardly_ever_make_an_outline_worse(name: str, box: bool) -> None:
    image, truth, _ = made_shape(name)
    dice = play(image, truth, our_answer(image), 5, box).dice
    assert min(np.diff(dice)) > -0.02, dice
    assert dice[-1] > 0.85


def test_a_click_in_a_cold_core_fills_a_hot_rim_that_was_proposed() -> None:
    size = (36, 40, 38)
    whole, core = (_ellipsoid(size, (17, 21, 18), radii) for radii in ((11, 13, 12), (6, 8, 7)))
    image = _image(1.0 + 9.0 * (whole & ~core) + 0.2 * core, 0.25, (2.0, 2.0, 2.5))
    proposal = whole & ~core
    click = image.TransformIndexToPhysicalPoint((18, 21, 17))
    mask = sitk.GetArrayFromImage(
        refined(image, describe(image), Prompts(inside_mm=(click,)), _on_grid(proposal, image)).mask
    )
    assert dice_of(proposal, whole) < 0.92
    assert dice_of(mask > 0, whole) > 0.95


def test_a_click_on_a_leak_takes_the_leak_and_keeps_the_object_voxel_by_voxel_far_from_it() -> None:
    size = (44, 40, 60)
    whole, leak = _ellipsoid(size, (22, 20, 18), (13, 12, 14)), _ellipsoid(size, (21, 21, 42), (8, 9, 11))
    image = _image(40.0 + 60 * whole + 52 * (leak & ~whole), 6.0, (1.0, 1.0, 1.0))
    click = image.TransformIndexToPhysicalPoint((43, 21, 21))
    mask = sitk.GetArrayFromImage(
        refined(image, describe(image), Prompts(outside_mm=(click,)), _on_grid(whole | leak, image)).mask
    )
    assert dice_of(mask > 0, whole) > 0.95
    np.testing.assert_array_equal(mask[:, :, :14] > 0, whole[:, :, :14])


def test_what_earlier_clicks_showed_stays_on_its_side() -> None:
    image, truth, _ = made_shape("dim mass, uneven field")
    session = open_refinement(image, describe(image))
    rng = np.random.default_rng(2)
    places = [
        (inside, image.TransformIndexToPhysicalPoint([int(n) for n in rng.permutation(np.argwhere(where))[0][::-1]]))
        for where, inside in ((truth, True), (~truth, False)) * 4
    ]
    shown: dict[bool, tuple[tuple[float, float, float], ...]] = {True: (), False: ()}
    for inside, point in places:
        shown[inside] = (*shown[inside], point)
        crop = session.refine(Prompts(inside_mm=shown[True], outside_mm=shown[False]), Progress())
    for inside, point in places:
        at = crop.TransformPhysicalPointToIndex(point)
        held = all(0 <= n < size for n, size in zip(at, crop.GetSize(), strict=True)) and crop[at] == 1
        assert held == inside


def test_a_part_that_is_deeper_elsewhere_than_at_the_click_is_told_from_one_that_is_not() -> None:
    size = (20, 24, 40)
    part = _ellipsoid(size, (10, 12, 10), (5, 5, 5)) | _ellipsoid(size, (10, 12, 24), (9, 10, 11))
    spacing = np.array([2.0, 1.0, 1.0])
    grid = work_grid(part.astype(np.float32), spacing, np.zeros(3, np.int64), np.array(size) - 1, 10**6)
    middle, off = (click_place(grid, np.array([[10, 12, i]]), 5.0) for i in (24, 8))
    assert middle is not None and off is not None
    assert middle.times_deeper(part) == pytest.approx(1.0, abs=0.1)
    assert off.times_deeper(part) > 1.6
    assert off.off_middle(part) > middle.off_middle(part) == 0


@pytest.mark.parametrize("place", [(30, 24, 15), (40, 24, 15), (36, 15, 10)])
def test_a_click_off_the_middle_of_a_clear_object_outlines_it_as_well(place: tuple[int, int, int]) -> None:
    truth = np.zeros((30, 50, 60), bool)
    truth[8:22, 12:36, 15:45] = True
    voxels = np.random.default_rng(0).normal(-50, 8, truth.shape) + 150 * truth
    image = sitk.GetImageFromArray(voxels.astype(np.int16))
    found = refined(image, describe(image, modality="CT"), Prompts(inside_mm=(tuple(map(float, place)),)))
    mask = sitk.GetArrayViewFromImage(found.mask) > 0
    assert dice_of(mask, truth) > 0.95


def test_a_click_in_the_last_voxels_that_changes_nothing_keeps_the_outline_and_its_own_side() -> None:
    volume = np.random.default_rng(5).normal(0, 1, (9, 9, 9)).astype(np.float32)
    mask = _ellipsoid(volume.shape, (4, 4, 4), (3, 3, 3))
    ones, first = np.ones(3), np.zeros(3, np.int64)
    # Two voxels to a node: the ninth voxel lies beside the grid.
    grid = work_grid(volume, ones, first, first + 8, 64)
    click = np.array([[8, 8, 8]])
    assert not grid.holds(click).any()
    box, values = finished(volume, mask, ones, Found(grid, grid.mean_of(mask) >= 0.5), False, None, click, click[:0])
    changed = mask.copy()
    changed[box] = values
    assert np.array_equal(changed[1:6, 1:6, 1:6], mask[1:6, 1:6, 1:6])
