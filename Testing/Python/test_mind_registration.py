"""Registration across modalities: known motion on any grids, inverted contrast, masks, no folds, cancelling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import SimpleITK as sitk
from registration_phantom import AXES, BODY_RADII_MM, Points, points_inside, scanned
from scipy.spatial.transform import Rotation

from AIImagingLogic.images.geometry import transform_points
from AIImagingLogic.images.info import describe
from AIImagingLogic.models.builtin.registration import invert
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.records.errors import Cancelled, ModelError, RegistrationError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.tasks.register import register_images

torch = pytest.importorskip("torch")

_TURN = Rotation.from_euler("xyz", [6, -5, 8], degrees=True).as_matrix()
_SHIFT = np.array([7.0, -6.0, 8.0])


def _bent(points: Points) -> Points:
    """Return where tissue at `points` of the bent patient lies at rest: up to 7 mm away along each axis."""
    x, y, z = points.T
    return points + np.stack([6 * np.sin(z / 30), 5 * np.cos(x / 28) - 5, 7 * np.sin(y / 32 + 0.5)], axis=-1)


def _turned(points: Points) -> Points:
    return points @ _TURN.T + _SHIFT


def _register(fixed: sitk.Image, moving: sitk.Image, *masks: sitk.Image | None) -> Registration:
    both = masks or (None, None)
    return load_model("deformable-mind", device="cpu").register(fixed, moving, *both, Progress())


def _errors(found: sitk.Transform, truth: Points, points: Points) -> np.ndarray:
    return np.linalg.norm(transform_points(found, points) - truth, axis=1)


def _inverted(image: sitk.Image) -> sitk.Image:
    return 500.0 - 0.4 * image


@pytest.fixture(scope="module")
def bent() -> sitk.Image:
    return scanned(_bent, AXES["straight"], (2.5, 2.5, 2.5))


@pytest.fixture(scope="module")
def at_rest() -> sitk.Image:
    return scanned(lambda points: points, AXES["straight"], (2.5, 2.5, 2.5), seed=1)


@pytest.fixture(scope="module")
def found(bent: sitk.Image, at_rest: sitk.Image) -> Registration:
    return _register(bent, at_rest)


@pytest.mark.parametrize(
    ("fixed_axes", "moving_axes", "moving_spacing", "center"),
    [
        ("oblique", "flipped", (2.0, 2.0, 4.0), (10.0, -6.0, 4.0)),
        ("left-handed and permuted", "oblique", (3.0, 2.0, 2.5), (0.0, 0.0, 0.0)),
    ],
)
def test_a_known_bend_is_found_on_grids_that_differ(
    fixed_axes: str, moving_axes: str, moving_spacing: Sequence[float], center: Sequence[float]
) -> None:
    fixed = scanned(_bent, AXES[fixed_axes], (2.5, 2.0, 3.0), width_mm=(150, 150, 160))
    moving = scanned(lambda points: points, AXES[moving_axes], moving_spacing, center, (170, 170, 170), seed=1)
    points = points_inside() * 0.9
    before = np.linalg.norm(_bent(points) - points, axis=1)
    errors = _errors(_register(fixed, moving).transform, _bent(points), points)
    # Half a voxel of the working grid on average; before it was six millimetres.
    assert before.mean() > 5
    assert errors.mean() < 1.3
    assert np.percentile(errors, 95) < 3.5


def test_inverted_contrast_is_no_obstacle(bent: sitk.Image, at_rest: sitk.Image) -> None:
    points = points_inside() * 0.9
    fixed_mask, moving_mask = bent > 100, at_rest > 100
    result = _register(bent, _inverted(at_rest), fixed_mask, moving_mask)
    assert _errors(result.transform, _bent(points), points).mean() < 1.3


def test_a_turned_shifted_and_bent_patient_is_found(at_rest: sitk.Image) -> None:
    turned = scanned(
        lambda points: _turned(_bent(points)),
        AXES["straight"],
        (2.5, 2.5, 2.5),
        width_mm=(160, 170, 190),
        center_mm=(-7, 6, -8),
    )
    points = points_inside() * 0.8 + [-7, 6, -8]
    truth = _turned(_bent(points))
    seen = np.linalg.norm(truth / BODY_RADII_MM, axis=1) < 0.9
    assert _errors(_register(turned, at_rest).transform, truth, points)[seen].mean() < 1.5


def test_nothing_folds_and_the_inverse_leads_back(found: Registration) -> None:
    points = points_inside()
    field = sitk.TransformToDisplacementField(
        found.transform, sitk.sitkVectorFloat64, (90, 90, 100), (-110.0, -110.0, -125.0), (2.5, 2.5, 2.5)
    )
    determinant = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(field))[1:-1, 1:-1, 1:-1]
    assert determinant.min() > 0
    assert found.quality.folding_percent == 0
    there = transform_points(found.transform, points)
    # What the inverse promises: about 0.05 mm.
    assert np.linalg.norm(transform_points(invert(found), there) - points, axis=1).max() < 0.15


def test_quality_tells_that_the_match_improved(found: Registration) -> None:
    quality = found.quality
    assert quality.similarity_after > quality.similarity_before + 0.1
    assert quality.inverse_consistency_mm is not None
    assert 0 < quality.inverse_consistency_mm < 5


def test_the_same_input_gives_the_same_result(bent: sitk.Image, at_rest: sitk.Image, found: Registration) -> None:
    again = _register(bent, at_rest)
    points = points_inside(50)
    np.testing.assert_array_equal(transform_points(again.transform, points), transform_points(found.transform, points))


def test_what_lies_outside_the_mask_has_no_say(bent: sitk.Image, at_rest: sitk.Image) -> None:
    """In the fixed image all below the mask is another object, far from it; what is found inside stays the same."""
    z = np.arange(bent.GetSize()[2]) * 2.5 + bent.GetOrigin()[2]
    values, other = sitk.GetArrayFromImage(bent), np.random.default_rng(3).normal(300, 200, bent.GetSize()[::-1])
    mask = (values > 100) & (z > 0)[:, None, None]
    values[z < -25] = other[z < -25]
    spoilt, inside = sitk.GetImageFromArray(values), sitk.GetImageFromArray(mask.astype(np.uint8))
    spoilt.CopyInformation(bent)
    inside.CopyInformation(bent)
    points = points_inside() * 0.9
    points = points[points[:, 2] > 5]
    clean, found = (_register(image, at_rest, inside, at_rest > 100) for image in (bent, spoilt))
    sent = transform_points(found.transform, points)
    np.testing.assert_allclose(sent, transform_points(clean.transform, points), atol=0.01)


def test_cancelling_ends_the_run(bent: sitk.Image, at_rest: sitk.Image) -> None:
    seen: list[str] = []
    progress = Progress(lambda fraction, message: seen.append(message), lambda: "Instance optimisation" in seen)
    with pytest.raises(Cancelled):
        load_model("deformable-mind", device="cpu").register(bent, at_rest, None, None, progress)
    assert seen.count("Instance optimisation") == 1


def test_progress_never_falls(bent: sitk.Image, at_rest: sitk.Image) -> None:
    fractions: list[float] = []
    progress = Progress(lambda fraction, message: fractions.append(fraction), lambda: len(fractions) > 80)
    with pytest.raises(Cancelled):
        load_model("deformable-mind", device="cpu").register(bent, at_rest, None, None, progress)
    assert fractions == sorted(fractions)


def test_an_empty_mask_and_an_unknown_preset_are_told(bent: sitk.Image, at_rest: sitk.Image) -> None:
    with pytest.raises(RegistrationError, match="mask of the moving image is empty"):
        _register(bent, at_rest, bent > 100, at_rest > 1e6)
    with pytest.raises(ModelError, match="no registration preset 'knee'"):
        load_model("deformable-mind", preset_name="knee")


def test_the_task_takes_two_modalities_and_names_the_preset(bent: sitk.Image, at_rest: sitk.Image) -> None:
    fixed_info, moving_info = describe(bent, modality="CT"), describe(at_rest, modality="MR")
    result = register_images(bent, fixed_info, at_rest, moving_info, "deformable-mind", preset="chest")
    assert result.provenance is not None
    assert result.provenance.parameters["registration preset"] == "chest"
    with pytest.raises(ModelError, match="'affine' has no presets"):
        register_images(bent, fixed_info, at_rest, fixed_info, "affine", preset="chest")
