"""Rigid and affine registration recover known maps on any grid, and refuse what does not belong together."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from registration_phantom import AXES, Motion, Points, points_inside, scanned
from scipy.spatial.transform import Rotation

from AIImagingLogic.images.geometry import transform_points
from AIImagingLogic.models.builtin.registration import invert
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.records.errors import Cancelled, RegistrationError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration

# The phantoms are scanned at 2 to 4 mm: the farthest point within a fifth of the finest voxel.
CLOSE_MM = 0.4


def at_rest(points: Points) -> Points:
    return points


def linear_motion(turn_degrees: list[float], shift_mm: list[float], stretch: Points | None = None) -> tuple:
    """Return the map of points at rest to points after the motion, and the map back."""
    matrix = Rotation.from_euler("xyz", turn_degrees, degrees=True).as_matrix() @ (
        np.eye(3) if stretch is None else stretch
    )
    back = np.linalg.inv(matrix)
    return (lambda points: points @ matrix.T + shift_mm), (lambda points: (points - shift_mm) @ back.T)


def register(kind: str, fixed: sitk.Image, moving: sitk.Image, progress: Progress | None = None) -> Registration:
    return load_model(kind).register(fixed, moving, None, None, progress or Progress())


def greatest_error_mm(registration: Registration, forth: Motion) -> float:
    points = points_inside()
    found = transform_points(registration.transform, points)
    return float(np.linalg.norm(found - forth(points), axis=1).max())


@pytest.mark.parametrize("axes", AXES, ids=list(AXES))
def test_turned_and_shifted_patient_is_found_on_any_grid(axes: str) -> None:
    forth, back = linear_motion([8, -12, 15], [55.0, -40.0, 62.0])
    fixed = scanned(at_rest, AXES[axes], (2.0, 2.5, 3.0))
    moving = scanned(back, AXES["oblique"], (2.5, 2.0, 4.0), center_mm=(55, -40, 62), seed=1)
    registration = register("rigid", fixed, moving)
    assert greatest_error_mm(registration, forth) < CLOSE_MM
    assert registration.transform.IsLinear()
    matrix = np.array(registration.transform.Downcast().GetMatrix()).reshape(3, 3)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert registration.quality.similarity_after > 0.9 > registration.quality.similarity_before


@pytest.mark.parametrize("axes", ["straight", "left-handed and permuted"])
def test_stretch_and_shear_are_found(axes: str) -> None:
    stretch = np.array([[1.1, 0.05, 0.0], [0.0, 0.92, 0.04], [-0.03, 0.0, 1.06]])
    forth, back = linear_motion([5, 4, -6], [-20.0, 10.0, 30.0], stretch)
    fixed = scanned(at_rest, AXES["oblique"], (2.0, 2.0, 3.0))
    moving = scanned(back, AXES[axes], (2.2, 2.2, 2.5), center_mm=(-20, 10, 30), seed=1)
    registration = register("affine", fixed, moving)
    assert greatest_error_mm(registration, forth) < CLOSE_MM
    points = points_inside()
    returned = transform_points(invert(registration), transform_points(registration.transform, points))
    np.testing.assert_allclose(returned, points, atol=1e-9)
    assert registration.quality.inverse_consistency_mm is not None
    assert registration.quality.inverse_consistency_mm < CLOSE_MM


def test_a_half_seen_patient_is_matched_where_both_show_it() -> None:
    forth, back = linear_motion([0, 0, 6], [30.0, 25.0, -20.0])
    fixed = scanned(at_rest, AXES["straight"], (2.0, 2.0, 2.5))
    moving = scanned(back, AXES["flipped"], (2.0, 2.0, 3.0), (30, 25, 10), width_mm=(130, 140, 85), seed=1)
    # The farthest points lie in the part that was not seen.
    assert greatest_error_mm(register("rigid", fixed, moving), forth) < 2 * CLOSE_MM


def test_another_brightness_and_contrast_do_not_matter() -> None:
    forth, back = linear_motion([4, 0, 0], [5.0, 0.0, 8.0])
    fixed = scanned(at_rest, AXES["straight"], (2.5, 2.5, 2.5))
    moving = scanned(back, AXES["straight"], (2.5, 2.5, 2.5), center_mm=(5, 0, 8), seed=1) * 3.0 + 700.0
    assert greatest_error_mm(register("rigid", fixed, moving), forth) < CLOSE_MM


@pytest.mark.parametrize("kind", ["rigid", "affine", "deformable"])
def test_the_same_image_twice_gives_the_identity(kind: str) -> None:
    image = scanned(at_rest, AXES["oblique"], (3.0, 3.0, 4.0))
    registration = register(kind, image, sitk.Image(image))
    points = points_inside(20)
    np.testing.assert_array_equal(transform_points(registration.transform, points), points)
    assert registration.quality.similarity_after == 1.0


def test_twice_the_same_run_gives_the_same_transform() -> None:
    _, back = linear_motion([4, 3, 2], [5.0, 0.0, 8.0])
    fixed = scanned(at_rest, AXES["straight"], (3.0, 3.0, 3.0))
    moving = scanned(back, AXES["straight"], (3.0, 3.0, 3.0), seed=1)
    first, second = register("affine", fixed, moving), register("affine", fixed, moving)
    assert first.transform.GetParameters() == second.transform.GetParameters()


@pytest.mark.parametrize("kind", ["rigid", "deformable"])
def test_another_object_is_refused(kind: str) -> None:
    fixed = scanned(at_rest, AXES["straight"], (3.0, 3.0, 3.0))
    other = scanned(at_rest, AXES["straight"], (3.0, 3.0, 3.0), object_seed=21)
    with pytest.raises(RegistrationError, match="could not be brought together"):
        register(kind, fixed, other)


def test_an_empty_mask_is_refused() -> None:
    image = scanned(at_rest, AXES["straight"], (4.0, 4.0, 4.0))
    with pytest.raises(RegistrationError, match="mask of the moving image is empty"):
        load_model("rigid").register(image, image + 1, None, image > 1e6, Progress())


def test_cancelling_ends_the_run() -> None:
    _, back = linear_motion([4, 3, 2], [5.0, 0.0, 8.0])
    seen: list[float] = []
    progress = Progress(lambda fraction, message: seen.append(fraction), lambda: len(seen) >= 5)
    fixed = scanned(at_rest, AXES["straight"], (4.0, 4.0, 4.0))
    with pytest.raises(Cancelled):
        register("deformable", fixed, scanned(back, AXES["straight"], (4.0, 4.0, 4.0)), progress)
    assert len(seen) == 5
