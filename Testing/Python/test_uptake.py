"""Uptake of regions: statistics, and a sphere of one millilitre on grids of any spacing and direction."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.adc import ADC_UNIT
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.suv import SUV_UNIT
from AIImagingLogic.measure.organ import measure_organ
from AIImagingLogic.measure.peak_sphere import PEAK_VOLUME_MM3, peak_in_sphere, sphere_weights
from AIImagingLogic.measure.uptake import measure_uptake

OBLIQUE = np.linalg.qr(np.array([[0.9, -0.3, 0.2], [0.35, 0.85, -0.3], [-0.1, 0.4, 0.9]]))[0]
FLIPPED = OBLIQUE @ np.diag([-1.0, 1.0, 1.0])
SPACINGS = [(4.7, 4.7, 3.27), (2.0, 2.0, 2.0), (1.5, 3.1, 5.0)]


def empty_grid(spacing: tuple[float, float, float], direction: np.ndarray) -> sitk.Image:
    image = sitk.Image([int(90 / edge) for edge in spacing], sitk.sitkFloat64)
    image.SetSpacing(spacing)
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin((-41.0, 17.0, 230.0))
    return image


def points_of(image: sitk.Image) -> np.ndarray:
    """Return (z, y, x, 3) LPS mm of the voxels."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in image.GetSize()[::-1]), indexing="ij"), axis=-1)[..., ::-1]
    axes = np.array(image.GetDirection()).reshape(3, 3)
    return np.array(image.GetOrigin()) + (index * np.array(image.GetSpacing())) @ axes.T


def filled(image: sitk.Image, values: np.ndarray) -> sitk.Image:
    result = sitk.GetImageFromArray(values)
    result.CopyInformation(image)
    return result


@pytest.mark.parametrize("spacing", SPACINGS)
def test_the_shares_of_the_voxels_add_up_to_the_sphere(spacing: tuple[float, float, float]) -> None:
    radius = (3 * PEAK_VOLUME_MM3 / (4 * math.pi)) ** (1 / 3)
    volume = sphere_weights(radius, spacing).sum() * math.prod(spacing)
    # Voxels cut into 9 x 9 x 9 parts: their volume is right to a percent.
    assert volume == pytest.approx(PEAK_VOLUME_MM3, rel=0.01)


@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE, FLIPPED])
@pytest.mark.parametrize("spacing", SPACINGS)
def test_the_peak_of_a_hill_is_the_mean_of_random_points_of_a_sphere_around_its_top(
    spacing: tuple[float, float, float], direction: np.ndarray
) -> None:
    image = empty_grid(spacing, direction)
    middle = [int(n * share) for n, share in zip(image.GetSize(), (0.45, 0.5, 0.6))]
    center = np.array(image.TransformIndexToPhysicalPoint(middle))
    squares = ((points_of(image) - center) ** 2).sum(-1)
    hill = 12 - 0.03 * squares
    mask = filled(image, (squares < 15**2).astype(np.uint8))
    found = peak_in_sphere(filled(image, hill), mask)
    assert found is not None
    np.testing.assert_allclose(found[1], center, atol=1e-6)

    radius = (3 * PEAK_VOLUME_MM3 / (4 * math.pi)) ** (1 / 3)
    points = np.random.default_rng(8).uniform(-radius, radius, (200_000, 3))
    points = center + points[(points**2).sum(1) <= radius**2]
    steps = (points - np.array(image.GetOrigin())) @ direction / np.array(spacing)
    x, y, z = np.rint(steps).astype(int).T
    # 100,000 points whose values spread by about .4: 0.004 at three standard errors, and as much for the cut voxels.
    assert found[0] == pytest.approx(hill[z, y, x].mean(), abs=0.012)


def test_one_hot_voxel_makes_the_maximum_but_not_the_peak() -> None:
    image = empty_grid((4.0, 4.0, 4.0), np.eye(3))
    values = np.full(image.GetSize()[::-1], 2.0)
    values[11, 11, 11] = 102.0
    inside = np.zeros(values.shape, np.uint8)
    inside[9:14, 9:14, 9:14] = 1
    found = {entry.name: entry.value for entry in measure_uptake(filled(image, values), filled(image, inside))}
    assert found["suv_max"] == 102.0
    # A voxel of 64 mm3 within 1000 mm3.
    assert found["suv_peak"] == pytest.approx(2 + 100 * 64 / 1000, rel=0.01)
    assert found["suv_mean"] == pytest.approx(2 + 100 / 125)
    assert found["metabolic_volume"] == pytest.approx(8.0)
    assert found["total_lesion_glycolysis"] == pytest.approx((2 + 100 / 125) * 8.0)
    assert not any(name.startswith("sul") for name in found)


def test_sul_is_the_lean_share_of_suv_and_units_say_which_is_which() -> None:
    image = empty_grid((5.0, 5.0, 5.0), np.eye(3))
    suv = filled(image, np.full(image.GetSize()[::-1], 4.0))
    mask = np.zeros(image.GetSize()[::-1], np.uint8)
    mask[4:8, 4:8, 4:8] = 1
    found = {entry.name: entry for entry in measure_uptake(suv, filled(image, mask), 0.75)}
    assert found["sul_peak"].value == pytest.approx(3.0)
    assert (found["sul_peak"].unit, found["suv_peak"].unit) == ("g/ml{SUVlbm(Janma)}", "g/ml{SUVbw}")
    assert found["sul_mean"].code is not None and found["sul_mean"].code.value == "126405"


def test_at_the_border_only_what_was_imaged_counts() -> None:
    image = empty_grid((4.0, 4.0, 4.0), np.eye(3))
    mask = np.zeros(image.GetSize()[::-1], np.uint8)
    mask[0, 0, 0] = 1
    found = peak_in_sphere(filled(image, np.full(mask.shape, 5.0)), filled(image, mask))
    assert found is not None and found[0] == pytest.approx(5.0)


def test_an_empty_region_has_a_volume_of_nothing_and_no_uptake() -> None:
    image = empty_grid((4.0, 4.0, 4.0), np.eye(3))
    mask = filled(image, np.zeros(image.GetSize()[::-1], np.uint8))
    assert [(entry.name, entry.value) for entry in measure_uptake(image, mask)] == [("metabolic_volume", 0.0)]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (SUV_UNIT, ("suv_mean", "metabolic_volume", "sul_peak")),
        (ADC_UNIT, ("adc_mean", "share_measured")),
        ("HU", ("mean_density",)),
        ("", ("mean_intensity",)),
    ],
)
def test_a_segment_is_measured_by_the_unit_of_its_image(unit: str, expected: tuple[str, ...]) -> None:
    image = empty_grid((5.0, 5.0, 5.0), np.eye(3))
    values = filled(image, np.full(image.GetSize()[::-1], 3.0))
    mask = np.zeros(image.GetSize()[::-1], np.uint8)
    mask[4:8, 4:8, 4:8] = 1
    info = describe(values, "PT", unit)
    found = {entry.name: entry.value for entry in measure_organ(values, info, filled(image, mask), 0.75)}
    assert found["organ_volume"] == pytest.approx(8.0)
    assert set(expected) <= set(found)
    nothing = filled(image, np.zeros(mask.shape))
    only_volume = measure_organ(nothing, describe(nothing, "MR", ADC_UNIT), filled(image, mask))
    assert [entry.name for entry in only_volume] == ["organ_volume"]
