"""Deformable registration recovers known smooth motion on any grid, does not fold, and can be undone and saved."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from registration_phantom import AXES, Points, points_inside, scanned

from AIImagingLogic.images.geometry import transform_points
from AIImagingLogic.images.phantoms.real_lungs import rough_lungs
from AIImagingLogic.images.phantoms.semi_synthetic import make_semi_synthetic_pair
from AIImagingLogic.models.builtin.registration import invert
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration

SHIFT_MM = np.array([25.0, -30.0, 55.0])
# Half a voxel of the phantom's scans: a tenth of its motion.
CLOSE_MM = 1.0


def breath(points: Points) -> Points:
    """Return how far the deformation moves points (N, 3) mm: 12 mm at most."""
    x, y, z = points.T
    fall = 11.0 * np.exp(-(((z + 45) / 45) ** 2)) * np.exp(-((x**2 + y**2) / 60**2))
    return np.stack([3 * np.sin(z / 25), 3 * np.cos(x / 20 + 0.5), -fall], axis=1)


def to_rest(points: Points) -> Points:
    points = points - SHIFT_MM
    return points + breath(points)


def moved(points: Points) -> Points:
    """Return where points at rest lie after the motion: the inverse of `to_rest`, by repetition."""
    place = points.copy()
    for _ in range(200):
        place = points - breath(place)
    np.testing.assert_allclose(to_rest(place + SHIFT_MM), points, atol=1e-6)
    return place + SHIFT_MM


def errors_mm(registration: Registration) -> Points:
    points = points_inside()
    return np.linalg.norm(transform_points(registration.transform, points) - moved(points), axis=1)


@pytest.fixture(scope="module")
def registration() -> Registration:
    fixed = scanned(lambda points: points, AXES["oblique"], (2.0, 2.0, 2.5))
    moving = scanned(to_rest, AXES["flipped"], (2.0, 2.0, 3.0), SHIFT_MM.tolist(), (140, 150, 180), seed=1)
    return load_model("deformable").register(fixed, moving, None, None, Progress())


def test_smooth_motion_is_found_between_oblique_and_flipped_grids(registration: Registration) -> None:
    errors = errors_mm(registration)
    assert errors.mean() < CLOSE_MM / 2
    assert np.percentile(errors, 95) < CLOSE_MM
    assert registration.quality.folding_percent == 0
    assert registration.quality.similarity_after > 0.9


def test_smooth_motion_is_found_on_a_left_handed_grid() -> None:
    fixed = scanned(lambda points: points, AXES["left-handed and permuted"], (2.5, 2.0, 2.5), width_mm=(160, 140, 140))
    moving = scanned(to_rest, AXES["straight"], (2.0, 2.0, 3.0), SHIFT_MM.tolist(), (140, 150, 180), seed=1)
    found = load_model("deformable").register(fixed, moving, None, None, Progress())
    assert errors_mm(found).mean() < CLOSE_MM / 2


def test_forth_and_back_is_where_it_began(registration: Registration) -> None:
    points = points_inside()
    returned = transform_points(invert(registration), transform_points(registration.transform, points))
    # The inverse is sampled at 4 mm; its curvature leaves less than this.
    assert np.linalg.norm(returned - points, axis=1).max() < 0.2
    assert registration.quality.inverse_consistency_mm is not None
    assert registration.quality.inverse_consistency_mm < 2 * CLOSE_MM


def test_the_saved_transform_is_small_and_the_same(registration: Registration, tmp_path: Path) -> None:
    path = tmp_path / "registration.h5"
    sitk.WriteTransform(registration.transform, str(path))
    assert path.stat().st_size < 20e6
    points = points_inside()
    np.testing.assert_allclose(
        transform_points(sitk.ReadTransform(str(path)), points),
        transform_points(registration.transform, points),
        atol=1e-9,
    )


def test_the_field_fades_to_the_affine_map_without_a_jump(registration: Registration) -> None:
    direction = np.array([0.5, -0.4, 0.77])
    line = np.linspace(-400, 400, 1601)[:, None] * direction
    steps = np.diff(transform_points(registration.transform, line), axis=0)
    # Half a millimetre further along goes at most one and a half and never turns back.
    assert np.linalg.norm(steps, axis=1).max() < 1.0
    affine = registration.transform.GetNthTransform(0)
    ends = line[[0, -1]]
    np.testing.assert_allclose(
        transform_points(registration.transform, ends), transform_points(affine, ends), atol=1e-9
    )


@pytest.mark.shared_data
def test_breath_in_a_real_lung_is_found_despite_noise_and_density(shared_data: Path) -> None:
    folder = shared_data / "chest_ct"
    lung = sitk.ReadImage(str(folder / "lidc0314_ct_rightlung_native.nii.gz"))
    with (folder / "lidc0314_nodule.csv").open(encoding="utf-8") as table:
        row = next(csv.DictReader(table))
    center = (float(row["coordX_lps_mm"]), float(row["coordY_lps_mm"]), float(row["coordZ_lps_mm"]))
    # Every other voxel across keeps the making of the pair short.
    pair = make_semi_synthetic_pair(lung[::2, ::2, :], center, float(row["diameter_mm"]), seed=77)
    masks = [_lungs(image) for image in (pair.baseline, pair.followup)]
    found = load_model("deformable").register(pair.baseline, pair.followup, *masks, Progress())
    errors = pair.target_errors_mm(transform_points(found.transform, pair.target_points_mm))
    # The project's limit is 1.5 mm; 0.15 to 0.35 mm were seen.
    assert errors.mean() < 0.6
    assert found.quality.folding_percent == 0


def _lungs(image: sitk.Image) -> sitk.Image:
    mask = sitk.GetImageFromArray(np.asarray(rough_lungs(image), np.uint8))
    mask.CopyInformation(image)
    return mask
