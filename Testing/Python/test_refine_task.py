"""Correcting an outline: checks of what is given, geometry of what comes back, last prompt wins."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from AIImagingLogic.images.geometry import index_to_world, same_grid
from AIImagingLogic.images.info import describe
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.errors import GeometryError, ModelError, WrongImageError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts, Stroke
from AIImagingLogic.tasks.refine import open_refinement, refined

CENTER_MM = (4.0, -6.0, 9.0)
RADII_MM = (14.0, 9.0, 11.0)


def _image(spacing: tuple[float, float, float] = (1.0, 1.0, 1.0), turn: bool = False) -> tuple[sitk.Image, np.ndarray]:
    """An ellipsoid, off the middle, brighter than noise around it; image and truth (k, j, i)."""
    size = [int(64 / s) for s in spacing]
    image = sitk.Image(size, sitk.sitkFloat32)
    image.SetSpacing(spacing)
    if turn:
        image.SetDirection(Rotation.from_euler("zyx", (25, 200, -15), degrees=True).as_matrix().ravel().tolist())
    middle = index_to_world(image, (np.array(size) - 1) / 2)
    image.SetOrigin((np.array(image.GetOrigin()) - middle).tolist())
    k, j, i = np.indices(size[::-1])
    points = index_to_world(image, np.stack([i, j, k], axis=-1).reshape(-1, 3))
    truth = (np.linalg.norm((points - CENTER_MM) / RADII_MM, axis=1) < 1).reshape(size[::-1])
    noise = np.random.default_rng(3).normal(0, 10, truth.shape)
    filled = sitk.GetImageFromArray((100 + 60 * truth + noise).astype(np.float32))
    filled.CopyInformation(image)
    return filled, truth


def _dice(mask: sitk.Image, truth: np.ndarray) -> float:
    values = sitk.GetArrayViewFromImage(mask) > 0
    return 2 * float((values & truth).sum()) / float(values.sum() + truth.sum())


@pytest.mark.parametrize(
    ("spacing", "turn"), [((1.0, 1.0, 1.0), False), ((0.8, 0.9, 3.0), True), ((2.5, 0.7, 0.7), True)]
)
def test_one_click_outlines_an_object_on_any_grid(spacing: tuple[float, float, float], turn: bool) -> None:
    image, truth = _image(spacing, turn)
    result = refined(image, describe(image), Prompts(inside_mm=(CENTER_MM,)))
    assert same_grid(result.mask, image)
    assert _dice(result.mask, truth) > 0.9


def test_a_box_a_scribble_and_a_lasso_each_outline_the_object() -> None:
    image, truth = _image()
    box = OrientedBox(CENTER_MM, (34.0, 24.0, 28.0))
    x, y, z = CENTER_MM
    line = Stroke(((x - 8, y, z), (x + 8, y + 2, z)), True, 1.5)
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    lasso = tuple((x + 15 * float(np.cos(t)), y + 10 * float(np.sin(t)), z) for t in turns)
    for prompts in (Prompts(box=box), Prompts(strokes=(line,)), Prompts(lasso_mm=lasso)):
        assert _dice(refined(image, describe(image), prompts).mask, truth) > 0.9


def test_the_same_prompts_give_the_same_outline_and_prompts_taken_back_are_forgotten() -> None:
    image, _ = _image()
    session = open_refinement(image, describe(image))
    one = Prompts(inside_mm=(CENTER_MM,))
    two = Prompts(inside_mm=(CENTER_MM,), outside_mm=((20.0, 20.0, 20.0),))
    first = sitk.GetArrayFromImage(session.refine(one, Progress()))
    session.refine(two, Progress())
    again = sitk.GetArrayFromImage(session.refine(one, Progress()))
    np.testing.assert_array_equal(first, again)


def test_a_click_leaves_a_finished_part_far_away_as_it_was() -> None:
    image, truth = _image()
    finished = np.zeros(truth.shape, np.uint8)
    finished[2:8, 2:8, 2:8] = 1
    proposal = sitk.GetImageFromArray(finished)
    proposal.CopyInformation(image)
    mask = refined(image, describe(image), Prompts(inside_mm=(CENTER_MM,)), proposal).mask
    values = sitk.GetArrayFromImage(mask)
    np.testing.assert_array_equal(values[:9, :9, :9], finished[:9, :9, :9])
    assert (values[truth] > 0).mean() > 0.8


def test_the_later_of_two_clicks_on_one_voxel_holds_and_is_noted() -> None:
    image, _ = _image()
    session = open_refinement(image, describe(image))
    session.refine(Prompts(inside_mm=(CENTER_MM,)), Progress())
    assert session.notes == ()
    crop = session.refine(Prompts(inside_mm=(CENTER_MM,), outside_mm=(CENTER_MM,)), Progress())
    assert crop[crop.TransformPhysicalPointToIndex(CENTER_MM)] == 0
    assert len(session.notes) == 1
    crop = session.refine(Prompts(inside_mm=(CENTER_MM, CENTER_MM), outside_mm=(CENTER_MM,)), Progress())
    assert crop[crop.TransformPhysicalPointToIndex(CENTER_MM)] == 1


@pytest.mark.parametrize(
    "prompts",
    [
        Prompts(),
        Prompts(inside_mm=((500.0, 0.0, 0.0),)),
        Prompts(outside_mm=((float("nan"), 0.0, 0.0),)),
        Prompts(strokes=(Stroke((), True),)),
        Prompts(lasso_mm=((0.0, 0.0, 0.0), (1.0, 0.0, 0.0))),
        Prompts(box=OrientedBox(CENTER_MM, (5.0, 0.0, 0.0))),
    ],
)
def test_prompts_that_cannot_be_meant_are_refused(prompts: Prompts) -> None:
    image, _ = _image()
    with pytest.raises(GeometryError):
        open_refinement(image, describe(image)).refine(prompts, Progress())


def test_images_proposals_and_models_that_do_not_fit_are_refused() -> None:
    image, _ = _image()
    info = describe(image)
    with pytest.raises(ModelError, match="does not correct"):
        open_refinement(image, info, model="ct-lungs")
    with pytest.raises(GeometryError, match="another grid"):
        open_refinement(image, info, sitk.Image((4, 4, 4), sitk.sitkUInt8))
    with pytest.raises(WrongImageError, match="from 0 to 1"):
        open_refinement(image, info, image)
    image[3, 3, 3] = float("nan")
    with pytest.raises(WrongImageError):
        open_refinement(image, info)
