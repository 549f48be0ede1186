"""Of the outlines that clicks allow the one that is meant is chosen, and chosen anew where the one so far is wrong."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from AIImagingLogic.images.info import describe
from AIImagingLogic.models.builtin.prompted_outline.choosing import error_depth, part_of_correction
from AIImagingLogic.models.builtin.prompted_outline.edge_levels import best_levels
from AIImagingLogic.models.builtin.prompted_outline.node_pairs import node_pairs
from AIImagingLogic.models.builtin.prompted_outline.offer_features import FEATURES, Asked, features_of
from AIImagingLogic.models.builtin.prompted_outline.offer_score import RESOURCE, OfferScore, offer_score
from AIImagingLogic.models.builtin.prompted_outline.offers import Offer, offers_of_clicks
from AIImagingLogic.models.builtin.prompted_outline.painted_prompts import Mark
from AIImagingLogic.models.builtin.prompted_outline.random_walk import walk_shares
from AIImagingLogic.models.builtin.prompted_outline.work_grid import work_grid
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.tasks.refine import open_refinement
from Testing.Benchmarks.interactive_courses import our_answer
from Testing.Benchmarks.interactive_user import dice_of, play

Mask = NDArray[np.bool_]
NOTHING = np.zeros((0, 3), np.int64)


def _ball(shape: tuple[int, ...], middle: tuple[float, ...], radius: float, spacing: tuple[float, ...]) -> Mask:
    """k, j, i all through; the radius in mm."""
    grids = np.ogrid[tuple(slice(0, n) for n in shape)]
    away = sum(((grid - m) * s) ** 2 for grid, m, s in zip(grids, middle, spacing, strict=True))
    return np.asarray(away <= radius**2)


def _noisy(values: NDArray[np.float64], noise: float) -> NDArray[np.float32]:
    random = np.random.default_rng(3)
    return (ndimage.gaussian_filter(values, 0.6) + random.normal(0, noise, values.shape)).astype(np.float32)


def test_a_walk_along_a_chain_of_alike_nodes_belongs_to_an_end_by_its_distance() -> None:
    grid = work_grid(np.zeros((1, 1, 9)), np.ones(3), np.zeros(3, int), np.array([0, 0, 8]), 100)
    free = np.ones(9, bool)
    free[[0, 8]] = False
    held = np.zeros(9, np.float32)
    held[0] = 1
    shares = walk_shares(node_pairs(grid), free, held)
    assert np.allclose(shares, np.arange(7, 0, -1) / 8, atol=1e-3)


@pytest.mark.parametrize("radius", [6.0, 11.0])
def test_the_best_of_all_balls_is_the_one_on_the_edge(radius: float) -> None:
    shape, spacing = (40, 44, 36), (1.5, 1.0, 1.2)
    middle = (19.0, 21.0, 18.0)
    volume = _noisy(100.0 * _ball(shape, middle, radius, spacing), 5)
    grid = work_grid(volume, np.array(spacing), np.zeros(3, int), np.array(shape) - 1, 10**6)
    grids = np.ogrid[tuple(slice(0, n) for n in shape)]
    away = np.sqrt(sum(((g - m) * s) ** 2 for g, m, s in zip(grids, middle, spacing, strict=True)))
    levels = best_levels(node_pairs(grid), away, np.zeros(shape, bool), 1.0, 3, (0.1, 0.0))
    # A tenth farther and a tenth nearer: balls of 1.1 and 0.9 times the radius.
    assert levels[0].grows == pytest.approx(3 * np.log(1.1 / 0.9), abs=0.12)
    best = [level.region for level in levels]
    found = np.cbrt(3 * best[0].sum() * np.prod(spacing) / (4 * np.pi))
    # A clear edge is as good two nodes wide: the outline is settled on it afterwards.
    assert abs(found - radius) < 1.1 * max(spacing)
    assert all(abs(np.log(other.sum() / best[0].sum())) > 0.3 for other in best[1:])


def test_what_is_meant_has_the_first_click_in_its_middle_and_the_last_in_the_middle_of_the_largest_change() -> None:
    shape, spacing = (30, 50, 50), np.array([2.0, 1.0, 1.0])
    meant = _ball(shape, (14, 20, 20), 9.0, tuple(spacing))
    # The outline so far took a larger neighbour too, and lacks a little.
    neighbour = _ball(shape, (14, 36, 36), 12.0, tuple(spacing)) & ~meant
    now = (meant | neighbour) & ~_ball(shape, (14, 20, 12), 3.0, tuple(spacing))
    volume = _noisy(80.0 * meant + 40.0 * neighbour, 3)
    grid = work_grid(volume, spacing, np.zeros(3, int), np.array(shape) - 1, 10**6)
    first, last = Mark(np.array([[14, 20, 20]]), True), Mark(np.array([[14, 37, 37]]), False)
    where = ndimage.find_objects(now.astype(np.int8))[0]
    extent = np.array([s.start for s in where]), np.array([s.stop for s in where])
    asked = Asked(volume, spacing, now, extent, (first, last), first.voxels, last.voxels, 1.0)

    def figures(region: Mask) -> dict[str, float]:
        return dict(zip(FEATURES, features_of(Offer(grid, region, "path"), asked), strict=True))

    right, both = figures(meant), figures(meant | neighbour)
    other, less = figures(neighbour), figures(now & ~_ball(shape, (14, 44, 44), 4.0, tuple(spacing)))
    assert right["off_first"] < 0.15 and right["off_last"] < 0.3 and right["larger_elsewhere"] == 0
    assert right["contradicted"] == 0 and both["contradicted"] == 1 and other["contradicted"] == 2
    assert other["off_first"] > 2
    assert less["larger_elsewhere"] > 1 and right["edges"] > less["edges"]


def test_the_depth_of_an_error_is_told_in_depths_of_the_outline() -> None:
    shape, spacing = (40, 60, 60), np.array([1.0, 1.0, 1.0])
    mask = _ball(shape, (20, 25, 25), 10.0, tuple(spacing))
    extent = np.array([10, 15, 15]), np.array([31, 36, 36])
    beside = error_depth(mask, spacing, extent, Mark(np.array([[20, 25, 50]]), True))
    leak = error_depth(mask, spacing, extent, Mark(np.array([[20, 25, 33]]), False))
    assert beside == pytest.approx(1.5, abs=0.15)
    assert leak == pytest.approx(0.25, abs=0.1)


@pytest.mark.parametrize("turn", [(0, 1, 2), (2, 1, 0)])
def test_a_second_click_finds_a_mass_in_a_body_that_the_first_outlined_whole(turn: tuple[int, int, int]) -> None:
    shape, spacing = (44, 80, 80), (4.0, 3.0, 3.0)
    body = _ball(shape, (22, 40, 40), 84.0, spacing)
    mass = _ball(shape, (24, 44, 30), 30.0, spacing)
    values = np.where(body, 50.0, -1000.0) + 26.0 * mass
    image = sitk.GetImageFromArray(np.ascontiguousarray(_noisy(values, 8).transpose(turn)))
    image.SetSpacing(tuple(float(spacing[axis]) for axis in turn)[::-1])
    truth = np.ascontiguousarray(mass.transpose(turn))
    dice = play(image, truth, our_answer(image), 3, False).dice
    assert max(dice[1:]) > 0.85, dice


def test_clicks_that_are_taken_back_give_back_the_outline_that_was_given_up() -> None:
    shape, spacing = (40, 70, 70), (2.0, 1.0, 1.0)
    volume = _noisy(
        60.0 * _ball(shape, (18, 30, 30), 18.0, spacing) + 30.0 * _ball(shape, (20, 52, 52), 9.0, spacing), 4
    )
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing(spacing[::-1])
    points = [image.TransformIndexToPhysicalPoint(index) for index in ((52, 52, 20), (30, 30, 18))]
    session, again = open_refinement(image, describe(image)), open_refinement(image, describe(image))
    alone = sitk.GetArrayFromImage(session.refine(Prompts(inside_mm=(points[0],)), Progress())).sum()
    session.refine(Prompts(inside_mm=tuple(points)), Progress())
    back = session.refine(Prompts(inside_mm=(points[0],)), Progress())
    assert sitk.GetArrayFromImage(back).sum() == alone
    both = sitk.GetArrayFromImage(session.refine(Prompts(inside_mm=tuple(points)), Progress()))
    again.refine(Prompts(inside_mm=(points[0],)), Progress())
    fresh = sitk.GetArrayFromImage(again.refine(Prompts(inside_mm=tuple(points)), Progress()))
    assert both.sum() == fresh.sum() > alone


def test_a_ball_is_among_the_outlines_that_one_click_allows_at_every_size() -> None:
    for radius in (5.0, 16.0, 44.0):
        edge = max(radius / 12, 0.7)
        spacing = (2 * edge, edge, edge)
        shape = (int(3.2 * radius / (2 * edge)), int(3.2 * radius / edge), int(3.2 * radius / edge))
        middle = tuple(n // 2 for n in shape)
        truth = _ball(shape, middle, radius, spacing)
        found = offers_of_clicks(_noisy(50.0 * truth, 4), np.array(spacing), np.array([middle]), NOTHING)
        dice = [
            dice_of(offer.region, offer.grid.mean_of(truth) >= 0.5) for offer in found if offer.grid.holds([middle])
        ]
        held = [
            d
            for d, offer in zip(dice, found, strict=True)
            if offer.grid.mean_of(truth).sum() > 0.9 * truth.sum() / np.prod(offer.grid.step)
        ]
        assert max(held) > 0.93, radius


def test_weights_for_other_features_are_refused_and_those_that_travel_with_the_program_fit() -> None:
    content = load_resource(RESOURCE)
    assert OfferScore.from_content(content).networks[0][0][0].shape[0] == len(FEATURES) == offer_score().mean.size
    with pytest.raises(ModelError, match="other features"):
        OfferScore.from_content({**content, "features": content["features"][::-1]})


def test_the_expected_dice_is_the_mean_of_what_the_layers_of_each_network_say() -> None:
    score = OfferScore(
        np.array([1.0, 0.0]),
        np.array([2.0, 1.0]),
        (
            (
                (np.array([[1.0, -1.0], [0.5, 0.0]]), np.array([0.0, 0.25])),
                (np.array([[2.0], [4.0]]), np.array([0.1])),
            ),
            ((np.array([[0.0], [0.0]]), np.array([0.5])),),
        ),
    )
    # (3 - 1) / 2 = 1 and 2: first layer 2 and -.75, of which only what is above zero goes on.
    assert score.expected_dice(np.array([[3.0, 2.0], [-3.0, 0.0]])) == pytest.approx([(4.1 + 0.5) / 2, (9.1 + 0.5) / 2])


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 2, 1), (3, 2, 2), (40, 30, 1)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_images_of_few_voxels_or_of_one_value_are_answered(size: tuple[int, int, int], value: float) -> None:
    image = sitk.GetImageFromArray(np.full(size[::-1], value, np.float32))
    middle = image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in size])
    corner = image.TransformIndexToPhysicalPoint((0, 0, 0))
    last = image.TransformIndexToPhysicalPoint(tuple(n - 1 for n in size))
    box = OrientedBox(middle, (1.5, 1.5, 1.5))
    one = open_refinement(image, describe(image)).refine(Prompts(inside_mm=(corner,)), Progress())
    assert one[one.TransformPhysicalPointToIndex(corner)] == 1
    if size != (1, 1, 1):
        both = Prompts(inside_mm=(corner,), outside_mm=(last,))
        two = open_refinement(image, describe(image)).refine(both, Progress())
        assert two[two.TransformPhysicalPointToIndex(corner)] == 1
    assert sitk.GetArrayFromImage(open_refinement(image, describe(image)).refine(Prompts(box=box), Progress())).any()


def test_of_a_correction_only_what_lies_near_the_click_is_offered_too() -> None:
    shape, spacing = (30, 40, 60), np.ones(3)
    mask = _ball(shape, (15, 20, 20), 10.0, (1, 1, 1))
    # A click 4 mm in the object, on its leak; the correction took half of the object with it.
    click = Mark(np.array([[15, 20, 26]]), False)
    taken = mask & (np.arange(60) > 16)
    grid = work_grid(mask.astype(np.float32), spacing, np.zeros(3, int), np.array(shape) - 1, 10**6)
    kept = Offer(grid, mask & ~taken, "correction")
    (near,) = part_of_correction(kept, mask, spacing, click)
    changed = near.region != mask
    away = np.sqrt(sum((n - c) ** 2 for n, c in zip(np.ogrid[:30, :40, :60], (15, 20, 26), strict=True)))
    assert changed.any() and not (changed & ~taken).any()
    assert away[changed].max() < 8 < away[taken].max()
    small = Offer(grid, mask & ~(taken & (away < 4)), "correction")
    assert part_of_correction(small, mask, spacing, click) == []
