"""Anchors, box codes and suppression of a detection network, against MONAI's, and the windows it sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AIImagingLogic.inference.detection.anchors import anchor_boxes
from AIImagingLogic.inference.detection.box_coding import decode_boxes
from AIImagingLogic.inference.detection.recipe import AnchorShapes, DetectionRecipe
from AIImagingLogic.inference.detection.scored_boxes import ScoredBoxes, read_boxes
from AIImagingLogic.inference.detection.suppression import best_of_each
from AIImagingLogic.inference.detection.windows import plan_detection_windows
from AIImagingLogic.inference.recipe import NetworkRecipe

SHAPES = AnchorShapes(
    ((6.0, 8.0, 4.0), (8.0, 6.0, 5.0), (10.0, 10.0, 6.0)), (1.0, 2.0, 4.0), ((4, 4, 2), (8, 8, 4), (16, 16, 8))
)


def recipe(window: tuple[int, int, int] | None = None, overlap: float = 0.25, **more: float) -> DetectionRecipe:
    feeding = NetworkRecipe(1, 1, (1,), window=window, overlap=overlap)
    return DetectionRecipe(feeding, SHAPES, ("ball",), (16, 16, 8), **more)  # type: ignore[arg-type]


def random_boxes(generator: np.random.Generator, count: int) -> np.ndarray:
    first = generator.uniform(0, 40, (count, 3))
    return np.concatenate([first, first + generator.uniform(1, 20, (count, 3))], axis=1).astype(np.float32)


def test_anchors_are_those_that_published_networks_were_trained_on() -> None:
    torch = pytest.importorskip("torch")
    anchor_utils = pytest.importorskip("monai.apps.detection.utils.anchor_utils")
    theirs = anchor_utils.AnchorGeneratorWithAnchorShape(SHAPES.scales, SHAPES.base)
    window = (64, 32, 24)
    maps = [torch.zeros(1, 1, *(size // step for size, step in zip(window, steps))) for steps in SHAPES.steps]
    expected = theirs(torch.zeros(1, 1, *window), maps)[0].numpy()
    np.testing.assert_array_equal(np.concatenate(anchor_boxes(SHAPES, window)), expected)


def test_codes_become_the_boxes_that_monai_makes_of_them() -> None:
    torch = pytest.importorskip("torch")
    box_coder = pytest.importorskip("monai.apps.detection.utils.box_coder")
    generator = np.random.default_rng(3)
    anchors, weights = random_boxes(generator, 50), (1.0, 2.0, 1.0, 5.0, 1.0, 0.5)
    codes = generator.normal(0, 2, (50, 6)).astype(np.float32)
    codes[0] = 40.0  # beyond what a box may grow
    expected = box_coder.BoxCoder(weights).decode_single(torch.from_numpy(codes), torch.from_numpy(anchors)).numpy()
    np.testing.assert_allclose(decode_boxes(codes, anchors, weights), expected, rtol=1e-5, atol=1e-4)


def test_the_same_boxes_stay_as_with_monai() -> None:
    torch = pytest.importorskip("torch")
    box_utils = pytest.importorskip("monai.data.box_utils")
    generator = np.random.default_rng(4)
    boxes, scores = random_boxes(generator, 300), generator.uniform(0, 1, 300).astype(np.float32).round(2)
    labels = generator.integers(0, 2, 300)
    expected = box_utils.batched_nms(*(torch.from_numpy(part) for part in (boxes, scores, labels)), 0.22, 60).numpy()
    np.testing.assert_array_equal(best_of_each(boxes, scores, labels, 0.22, 60), expected)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.9))
@settings(max_examples=30, deadline=None)
def test_boxes_that_stay_hardly_overlap_and_each_other_lost_to_a_better_one(seed: int, allowed: float) -> None:
    from AIImagingLogic.inference.detection.suppression import overlap

    generator = np.random.default_rng(seed)
    boxes, scores = random_boxes(generator, 40), generator.uniform(0, 1, 40).astype(np.float32)
    kept = best_of_each(boxes, scores, np.zeros(40, np.int64), allowed, 40)
    for number in range(40):
        rivals = [other for other in kept if scores[other] > scores[number]]
        lost = any(overlap(boxes[number : number + 1], boxes[rival])[0] > allowed for rival in rivals)
        assert lost == (number not in kept)


def test_the_most_likely_boxes_of_each_map_are_read_and_unlikely_ones_are_not() -> None:
    anchors = anchor_boxes(SHAPES, (16, 16, 8))
    values = np.full((sum(len(part) for part in anchors), 7), -20.0, np.float32)
    values[:, 1:] = 0
    values[[5, 9, 11], 0] = [3.0, 1.0, 2.0]
    values[-1, 0] = 0.5
    found = read_boxes(values, anchors, recipe(least_score=0.6, candidates_per_map=2))
    np.testing.assert_array_equal(found.corners, np.stack([anchors[0][5], anchors[0][11], anchors[2][-1]]))
    np.testing.assert_allclose(found.scores, 1 / (1 + np.exp([-3.0, -2.0, -0.5])), rtol=1e-6)


@given(
    st.tuples(*(st.integers(1, 400) for _ in range(3))),
    st.tuples(*(st.integers(1, 200) for _ in range(3))),
    st.floats(0, 0.9),
)
@settings(max_examples=100, deadline=None)
def test_every_place_of_an_image_is_judged_by_a_window_that_sees_it(
    size: tuple[int, int, int], window: tuple[int, int, int], overlap: float
) -> None:
    plan = plan_detection_windows(size, recipe(window, overlap))
    places = np.random.default_rng(0).uniform(0, 1, (200, 3)) * np.array(size)
    judged = np.zeros(len(places), bool)
    for start in plan:
        assert all(first % unit == 0 for first, unit in zip(start, (16, 16, 8)))
        own = plan.judged(start, places)
        seen = np.all((places >= start) & (places <= np.add(start, plan.size)), axis=1)
        assert not np.any(own & ~seen)
        judged |= own
    assert judged.all()
    assert all(length % unit == 0 for length, unit in zip(plan.size, (16, 16, 8)))


def test_boxes_are_cut_off_at_the_images_faces() -> None:
    boxes = ScoredBoxes(
        np.array([[-3, 2, 2, 4, 5, 6], [9.5, 2, 2, 14, 5, 6]], np.float32),
        np.ones(2, np.float32),
        np.zeros(2, np.int64),
    )
    np.testing.assert_array_equal(boxes.clipped((10, 10, 10)).corners, [[0, 2, 2, 4, 5, 6]])
