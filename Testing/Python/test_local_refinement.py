"""The fine stage of a registration: what the field of the whole body missed at a lesion is found, and only there."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from registration_phantom import AXES, Points, scanned

from AIImagingLogic.images.geometry import transform_points
from AIImagingLogic.models.builtin.registration import invert
from AIImagingLogic.records.errors import Cancelled
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration, RegistrationQuality

pytest.importorskip("torch")

from AIImagingLogic.models.builtin.mind_registration.local_refinement import refined_around

_SHIFTED, _STILL = (12.0, -14.0, 10.0), (-14.0, 20.0, -34.0)
_SHIFT = np.array([4.0, -3.0, 2.0])
_WIDTH_MM = 13.0
# The patient of the second visit lies elsewhere; this much is known.
_MOVED = sitk.TranslationTransform(3, (9.0, -7.0, 5.0))
_NO_QUALITY = RegistrationQuality("none", 0.0, 0.0, 0.0, None)


def _locally_shifted(points: Points) -> Points:
    """Return where tissue lies at rest: 5 mm away at one lesion, less around it, and nowhere else."""
    squared = ((points - _SHIFTED) ** 2).sum(axis=1)
    return points + np.exp(-squared / (2 * _WIDTH_MM**2))[:, None] * _SHIFT


@pytest.fixture(scope="module")
def images() -> tuple[sitk.Image, sitk.Image]:
    fixed = scanned(_locally_shifted, AXES["oblique"], (1.5, 1.5, 2.5), width_mm=(140, 140, 150))
    moving = scanned(
        lambda points: points - _MOVED.GetOffset(), AXES["flipped"], (2.0, 2.0, 2.0), _MOVED.GetOffset(), seed=1
    )
    # Another modality: the contrast is inverted.
    return fixed, 500.0 - 0.4 * moving


@pytest.fixture(scope="module")
def found(images: tuple[sitk.Image, sitk.Image]) -> Registration:
    refined, told = refined_around(*images, _coarse(), (_SHIFTED, _STILL), Progress())
    assert [entry.center_mm for entry in told] == [_SHIFTED, _STILL]
    assert told[0].after > told[0].before
    assert told[0].moved_mm > 3
    return refined


def _coarse() -> Registration:
    return Registration(_MOVED, "deformable", _NO_QUALITY)


def _errors(found: Registration, points: Points) -> np.ndarray:
    truth = _locally_shifted(points) + _MOVED.GetOffset()
    return np.linalg.norm(transform_points(found.transform, points) - truth, axis=1)


def test_a_local_shift_that_the_coarse_field_missed_is_found(found: Registration) -> None:
    around = np.array(_SHIFTED) + np.random.default_rng(2).normal(0, 4, (60, 3))
    assert _errors(_coarse(), around).mean() > 4
    # Half a voxel of the images.
    assert _errors(found, around).mean() < 1.2
    assert _errors(found, np.array([_SHIFTED]))[0] < 1.2


def test_a_lesion_that_lay_right_stays(found: Registration) -> None:
    assert _errors(found, np.array([_STILL]))[0] < 0.7


def test_far_from_the_lesions_nothing_changes(found: Registration) -> None:
    far = np.array([[70.0, 70.0, 70.0], [-60.0, -60.0, 60.0], [65.0, -70.0, -60.0]])
    np.testing.assert_array_equal(transform_points(found.transform, far), transform_points(_MOVED, far))


def test_crops_that_overlap_do_not_fold_and_can_be_inverted(found: Registration) -> None:
    size, step = (70, 70, 70), 2.0
    field = sitk.TransformToDisplacementField(
        found.transform, sitk.sitkVectorFloat64, size, (-70.0, -70.0, -70.0), (step,) * 3
    )
    determinant = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(field))[1:-1, 1:-1, 1:-1]
    assert determinant.min() > 0.1
    points = np.array([_SHIFTED, _STILL]) + 3.0
    back = transform_points(invert(found), transform_points(found.transform, points))
    # What the inverse promises: about 0.05 mm a field.
    np.testing.assert_allclose(back, points, atol=0.2)


def test_without_lesions_the_transform_stays(images: tuple[sitk.Image, sitk.Image]) -> None:
    refined, told = refined_around(*images, _coarse(), (), Progress())
    assert told == ()
    np.testing.assert_array_equal(refined.transform.TransformPoint(_STILL), _MOVED.TransformPoint(_STILL))


def test_a_lesion_outside_the_other_image_is_left_as_it_is(images: tuple[sitk.Image, sitk.Image]) -> None:
    outside = (400.0, 0.0, 0.0)
    refined, told = refined_around(*images, _coarse(), (outside,), Progress())
    assert told[0].moved_mm == 0
    np.testing.assert_array_equal(refined.transform.TransformPoint(outside), _MOVED.TransformPoint(outside))


def test_cancelling_ends_the_fine_stage(images: tuple[sitk.Image, sitk.Image]) -> None:
    with pytest.raises(Cancelled):
        refined_around(*images, _coarse(), (_SHIFTED,), Progress(is_cancelled=lambda: True))
