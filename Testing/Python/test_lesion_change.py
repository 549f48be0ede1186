"""Change of brain lesions: implanted lesions of known masks on small heads, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from brain_phantom import BRAIN_MM, flair
from scipy.spatial.transform import Rotation

from AIImagingLogic.evaluation.lesion_overlap import lesion_overlap
from AIImagingLogic.followup.lesion_change.brain_region import brain_region
from AIImagingLogic.followup.lesion_change.half_way import half_way
from AIImagingLogic.followup.lesion_change.intensity_normalisation import normalised
from AIImagingLogic.followup.lesion_change.subtraction import subtraction
from AIImagingLogic.images.geometry import index_to_world, same_grid, transform_points
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.phantoms.brain_lesions import LesionPair, make_lesion_pair
from AIImagingLogic.records.errors import AIImagingError, GeometryError, RegistrationError, WrongImageError
from AIImagingLogic.records.json_form import load_record, save_record
from AIImagingLogic.records.lesion_change import LesionChange
from AIImagingLogic.tasks.brain_lesion_change import brain_lesion_change

OBLIQUE = Rotation.from_euler("xyz", [8, -6, 10], degrees=True).as_matrix()
FLIPPED = np.diag([-1.0, -1.0, 1.0])


def change_of(earlier: sitk.Image, later: sitk.Image, modality: str = "MR") -> LesionChange:
    return brain_lesion_change(earlier, describe(earlier, modality), later, describe(later, modality))


def pair_on(later_grid: sitk.Image, seed: int = 1, changed: bool = True) -> LesionPair:
    image = flair()
    return make_lesion_pair(image, brain_region(image), later_grid, seed, noise=0.03, changed=changed)


@pytest.fixture(scope="module")
def flipped() -> tuple[LesionPair, LesionChange]:
    """A pair whose later visit has flipped axes and thinner slices, and its answer."""
    pair = pair_on(flair(FLIPPED, (1.4, 1.4, 2.5)))
    return pair, change_of(pair.earlier, pair.later)


def test_the_brain_is_found_without_scalp_and_with_its_ventricles() -> None:
    image = flair(OBLIQUE, (1.5, 2.0, 3.0))
    inside = sitk.GetArrayFromImage(brain_region(image)) > 0
    index = np.indices(inside.shape).reshape(3, -1)[::-1].T
    radius = np.linalg.norm(index_to_world(image, index) / BRAIN_MM, axis=1).reshape(inside.shape)
    assert inside[radius < 0.85].mean() > 0.98
    assert inside[radius > 1.12].mean() < 0.01


def test_known_changes_are_found_with_their_kind_on_the_grid_of_the_later_visit(
    flipped: tuple[LesionPair, LesionChange],
) -> None:
    pair, result = flipped
    assert same_grid(result.segmentation.image, pair.later)
    labels = sitk.GetArrayFromImage(result.segmentation.image)
    truth = sitk.GetArrayFromImage(pair.change)
    overlap = lesion_overlap(truth > 0, labels > 0, float(np.prod(pair.later.GetSpacing())))
    assert overlap.sensitivity >= 0.8
    assert overlap.false_lesions <= 1
    values = {"new": (1,), "enlarging": (1, 2), "shrinking": (3,)}
    for number, lesion in enumerate(pair.lesions, 1):
        assert set(np.unique(labels[truth == number])) <= {0, *values[lesion.kind]}, lesion


def test_motion_noise_and_bias_alone_are_no_change() -> None:
    pair = pair_on(flair(OBLIQUE), seed=7, changed=False)
    assert change_of(pair.earlier, pair.later).findings == ()


def test_exchanged_visits_exchange_new_and_shrinking(flipped: tuple[LesionPair, LesionChange]) -> None:
    pair, result = flipped
    back = change_of(pair.later, pair.earlier)
    new = sum(finding.descriptors["change"] == "new" for finding in result.findings)
    shrunk = sum(finding.descriptors["change"] == "shrinking" for finding in back.findings)
    assert new >= 3
    assert shrunk >= new


def test_registration_is_the_known_motion(flipped: tuple[LesionPair, LesionChange]) -> None:
    pair, result = flipped
    points = np.random.default_rng(0).uniform(-45, 45, (200, 3))
    found = transform_points(result.registration.transform, points)
    apart = np.linalg.norm(found - transform_points(pair.to_earlier, points), axis=1)
    # A third of the slice distance.
    assert apart.max() < 1.0


def test_findings_tables_and_masks_agree(flipped: tuple[LesionPair, LesionChange], tmp_path: Path) -> None:
    _, result = flipped
    save_record(result, tmp_path / "result.json")
    again = load_record(LesionChange, tmp_path / "result.json")
    assert [finding.uid for finding in again.findings] == [finding.uid for finding in result.findings]
    labels = sitk.GetArrayFromImage(again.segmentation.image)
    voxel_ml = float(np.prod(result.segmentation.image.GetSpacing())) / 1000
    for row in again.measured.rows:
        count, volume_ml = (entry.value for entry in row.measurements)
        of_kind = [one for one in again.findings if one.concept.key == row.segment.concept.key]
        assert count == len(of_kind)
        assert volume_ml == pytest.approx((labels == row.segment.value).sum() * voxel_ml)


def test_both_halves_of_the_way_make_the_whole_motion() -> None:
    image = flair(OBLIQUE)
    turn = Rotation.from_rotvec([0.1, -0.2, 0.15]).as_matrix()
    whole = sitk.AffineTransform(turn.ravel().tolist(), [12.0, -7.0, 30.0])
    between = half_way(image, brain_region(image), whole)
    points = np.random.default_rng(1).uniform(-60, 60, (50, 3))
    sent = transform_points(whole, transform_points(between.to_later, points))
    assert np.allclose(sent, transform_points(between.to_earlier, points), atol=1e-6)
    moved = [
        np.linalg.norm(transform_points(t, points) - points, axis=1) for t in (between.to_later, between.to_earlier)
    ]
    assert np.allclose(moved[0].mean(), moved[1].mean(), rtol=0.5)


def test_a_shift_of_half_a_voxel_explains_a_border_but_not_a_lesion() -> None:
    random = np.random.default_rng(2)
    earlier = np.full((24, 40, 40), 1.0, np.float32)
    earlier[:, :20] = 0.7
    later = earlier.copy()
    later[:, 19:20] = 0.85
    later[10:13, 30:34, 30:34] = 1.4
    brain = np.ones(earlier.shape, bool)
    spacing = np.array([3.0, 1.0, 1.0])
    a, b = (values + 0.01 * random.standard_normal(values.shape).astype(np.float32) for values in (earlier, later))
    found = subtraction(normalised(a, b, brain, spacing), brain, spacing)
    assert found.beyond_shift[11, 31, 31] > 0.2
    assert np.abs(found.beyond_shift[:, 17:22]).max() < 0.06


@pytest.mark.parametrize("modality", ["CT", "PT"])
def test_another_modality_is_refused(modality: str) -> None:
    image = flair()
    with pytest.raises(WrongImageError, match=modality):
        change_of(image, image, modality)


def test_another_sequence_is_refused() -> None:
    image = flair()
    brain = sitk.GetArrayFromImage(brain_region(image)) > 0
    values = sitk.GetArrayFromImage(image)
    # Bright where FLAIR is less bright, inside the brain: no common line in the joint histogram.
    values[brain] = 560.0 - values[brain]
    other = sitk.GetImageFromArray(values)
    other.CopyInformation(image)
    with pytest.raises((WrongImageError, RegistrationError)):
        change_of(image, other)


def test_a_brain_that_is_mostly_elsewhere_is_refused() -> None:
    upper = flair(center_mm=(0, 0, 50), width_mm=(165, 195, 60))
    lower = flair(center_mm=(0, 0, -45), width_mm=(165, 195, 60))
    with pytest.raises(AIImagingError):
        change_of(upper, lower)


def test_coarse_voxels_are_told_and_far_too_coarse_ones_refused() -> None:
    image = flair(spacing_mm=(1.5, 1.5, 6.0))
    result = change_of(image, image)
    assert result.segmentation.provenance is not None
    assert any("small changes can be missed" in note for note in result.segmentation.provenance.notes)
    assert result.findings == ()
    with pytest.raises(GeometryError, match="9.0 mm"):
        change_of(flair(spacing_mm=(1.5, 1.5, 9.0)), image)


def test_lesions_are_counted_as_the_benchmark_says() -> None:
    reference, found = np.zeros((2, 20, 20, 20), bool)
    reference[2:6, 2:6, 2:6] = True
    reference[12:15, 12:15, 12:15] = True
    reference[17, 17, 2] = True
    found[2:6, 2:6, 2:3] = True
    found[10:14, 2:6, 12:16] = True
    overlap = lesion_overlap(reference, found, voxel_mm3=2.0)
    assert overlap.hit == (True, False)
    assert overlap.volumes_mm3 == (128.0, 54.0)
    assert overlap.false_lesions == 1
    assert overlap.dice == pytest.approx(2 * 16 / (64 + 27 + 1 + 16 + 64))
    assert overlap.dice_without_largest == 0.0
